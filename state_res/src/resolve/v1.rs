//! Version 1.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>. Where it is silent we
//! do as Synapse does, on whose servers such rooms live: keys of one step do not see each other's
//! results, and if no candidate is allowed the one of the least depth stays.

use std::{cmp::Reverse, collections::BTreeMap};

use sha1::{Digest, Sha1};

use super::{
    explain::{Log, Part},
    partial::{Partial, Start},
    split::Split,
};
use crate::{AuthEvent, EventSource, Rn, Skid, StateMap};

/// Conflicts of one type are resolved together; these types before all others.
const FIRST: [&str; 3] = ["m.room.power_levels", "m.room.join_rules", "m.room.member"];

pub(super) fn resolve(split: &Split<'_>, source: &impl EventSource, log: &mut Log) -> StateMap {
    let mut conflicts = BTreeMap::new();
    let mut state = split.base.clone();
    for &skid in &split.differing {
        let mut values: Vec<Rn> = split.values(skid).map(|(_, rn)| rn).collect();
        values.sort_unstable();
        values.dedup();
        // A key that only some states have is no conflict in this version.
        if let [only] = values[..] {
            state.insert(skid, only);
        } else {
            state.remove(&skid);
            let events = values.iter().filter_map(|rn| source.event(*rn));
            conflicts.insert(skid, by_depth(events.collect()));
        }
    }
    for kind in FIRST {
        let step = of_kind(&conflicts, |of| of == kind);
        let resolved: Vec<_> = step
            .filter_map(|events| last_allowed(events, &state, source, log))
            .collect();
        state.extend(resolved);
    }
    let others = of_kind(&conflicts, |of| !FIRST.contains(&of));
    let resolved: Vec<_> = others
        .filter_map(|events| first_allowed(events, &state, source, log))
        .collect();
    state.extend(resolved);
    state
}

type Conflicts<'a> = BTreeMap<Skid, Vec<&'a AuthEvent>>;

/// The conflicts of some types.
fn of_kind<'a>(
    conflicts: &'a Conflicts<'_>,
    is_of_step: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = &'a [&'a AuthEvent]> {
    let is_of_step = move |events: &&[&AuthEvent]| {
        let first = events.first();
        first.is_some_and(|event| is_of_step(event.pdu.kind()))
    };
    conflicts.values().map(Vec::as_slice).filter(is_of_step)
}

/// Candidates for one key, by depth and then against the order of the hashes of their ids.
fn by_depth(mut events: Vec<&AuthEvent>) -> Vec<&AuthEvent> {
    events.sort_by_cached_key(|event| {
        let id_hash: [u8; 20] = Sha1::digest(event.pdu.event_id().as_str()).into();
        (event.pdu.depth(), Reverse(id_hash))
    });
    events
}

/// The first candidate, replaced by one after the other as long as each is allowed by the last.
fn last_allowed(
    events: &[&AuthEvent],
    state: &StateMap,
    source: &impl EventSource,
    log: &mut Log,
) -> Option<(Skid, Rn)> {
    let mut partial = Partial::new(Start::State(state), source);
    let (first, others) = events.split_first()?;
    let mut winner = first;
    partial.set(winner);
    for event in others {
        let verdict = partial.check_logged(event, Part::AscendingDepth, log);
        if verdict.is_err() {
            break;
        }
        partial.set(event);
        winner = event;
    }
    Some((winner.skid, winner.rn))
}

/// The deepest candidate that is allowed, else the one of the least depth.
fn first_allowed(
    events: &[&AuthEvent],
    state: &StateMap,
    source: &impl EventSource,
    log: &mut Log,
) -> Option<(Skid, Rn)> {
    let partial = Partial::new(Start::State(state), source);
    let mut deepest_first = events.iter().rev();
    let allowed = deepest_first.find(|event| {
        let verdict = partial.check_logged(event, Part::DescendingDepth, log);
        verdict.is_ok()
    });
    let winner = allowed.or(events.first())?;
    Some((winner.skid, winner.rn))
}
