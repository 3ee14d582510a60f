//! Version 1.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>. Where it is silent we
//! do as Synapse does, on whose servers such rooms live: keys of one step do not see each other's
//! results, and if no candidate is allowed the one of the least depth stays.

use std::{cmp::Reverse, collections::BTreeMap};

use sha1::{Digest, Sha1};

use super::{
    partial::{Partial, Start},
    split::Split,
};
use crate::{AuthEvent, EventSource, Rn, Skid, StateMap};

/// Conflicts of one type are resolved together; these types before all others.
const FIRST: [&str; 3] = ["m.room.power_levels", "m.room.join_rules", "m.room.member"];

pub(super) fn resolve(states: &[StateMap], source: &impl EventSource) -> StateMap {
    let Some(split) = Split::of(states) else {
        return StateMap::new();
    };
    let mut conflicts = BTreeMap::new();
    let mut state = split.base.clone();
    for (&skid, values) in &split.differing {
        let mut values: Vec<_> = values.iter().flatten().copied().collect();
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
        let resolved = winners(&conflicts, &state, source, |of| of == kind, last_allowed);
        state.extend(resolved);
    }
    let is_other = |of: &str| !FIRST.contains(&of);
    let resolved = winners(&conflicts, &state, source, is_other, first_allowed);
    state.extend(resolved);
    state
}

/// Candidates for one key, by depth and then against the order of the hashes of their ids.
fn by_depth(mut events: Vec<&AuthEvent>) -> Vec<&AuthEvent> {
    events.sort_by_cached_key(|event| {
        let id_hash: [u8; 20] = Sha1::digest(event.pdu.event_id().as_str()).into();
        (event.pdu.depth(), Reverse(id_hash))
    });
    events
}

/// The winners of the conflicts of some types, against one and the same state.
fn winners<'a, S: EventSource>(
    conflicts: &BTreeMap<Skid, Vec<&'a AuthEvent>>,
    state: &StateMap,
    source: &'a S,
    is_of_step: impl Fn(&str) -> bool,
    choose: impl Fn(&[&'a AuthEvent], &mut Partial<'_, S>) -> Option<&'a AuthEvent>,
) -> Vec<(Skid, Rn)> {
    conflicts
        .values()
        .filter(|events| events.first().is_some_and(|e| is_of_step(e.pdu.kind())))
        .filter_map(|events| choose(events, &mut Partial::new(Start::State(state), source)))
        .map(|event| (event.skid, event.rn))
        .collect()
}

/// The first candidate, replaced by one after the other as long as each is allowed by the last.
fn last_allowed<'a, S: EventSource>(
    events: &[&'a AuthEvent],
    state: &mut Partial<'_, S>,
) -> Option<&'a AuthEvent> {
    let (first, others) = events.split_first()?;
    let mut winner = first;
    state.set(winner);
    for event in others {
        if state.check(event).is_err() {
            break;
        }
        state.set(event);
        winner = event;
    }
    Some(winner)
}

/// The deepest candidate that is allowed, else the one of the least depth.
fn first_allowed<'a, S: EventSource>(
    events: &[&'a AuthEvent],
    state: &mut Partial<'_, S>,
) -> Option<&'a AuthEvent> {
    let allowed = events.iter().rev().find(|event| state.check(event).is_ok());
    allowed.or(events.first()).copied()
}
