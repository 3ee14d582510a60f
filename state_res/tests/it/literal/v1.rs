//! <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>, with Synapse where it is silent.

use std::{cmp::Reverse, collections::BTreeMap};

use sha1::{Digest, Sha1};

use super::{Events, Ids, Key, State, is_allowed};

pub(crate) fn resolve(states: &[State], events: &Events) -> State {
    let mut candidates: BTreeMap<Key, Ids> = BTreeMap::new();
    for (key, id) in states.iter().flatten() {
        candidates
            .entry(key.clone())
            .or_default()
            .insert(id.clone());
    }
    let (agreed, conflicts): (BTreeMap<_, _>, BTreeMap<_, _>) =
        candidates.into_iter().partition(|(_, ids)| ids.len() == 1);
    let mut state: State = agreed
        .into_iter()
        .filter_map(|(key, ids)| Some((key, ids.into_iter().next()?)))
        .collect();
    for kind in ["m.room.power_levels", "m.room.join_rules", "m.room.member"] {
        let mut step = State::new();
        for (key, ids) in conflicts.iter().filter(|(key, _)| key.0 == kind) {
            step.insert(key.clone(), resolve_auth_event(events, key, ids, &state));
        }
        state.extend(step);
    }
    let mut step = State::new();
    for (key, ids) in &conflicts {
        if !state.contains_key(key) {
            step.insert(key.clone(), resolve_other(events, ids, &state));
        }
    }
    state.extend(step);
    state
}

fn sha1(id: &str) -> Vec<u8> {
    Sha1::digest(id).to_vec()
}

/// Ascending depth, descending hash: replaced as long as the next is allowed.
fn resolve_auth_event(events: &Events, key: &Key, ids: &Ids, state: &State) -> String {
    let mut sorted: Vec<&String> = ids.iter().collect();
    sorted.sort_by_key(|id| (events[*id].pdu.depth(), Reverse(sha1(id))));
    let mut state = state.clone();
    state.insert(key.clone(), sorted[0].clone());
    for id in &sorted[1..] {
        if !is_allowed(events, &events[*id].pdu, &state) {
            break;
        }
        state.insert(key.clone(), (*id).clone());
    }
    state[key].clone()
}

/// Descending depth, ascending hash: the first that is allowed, else the last.
fn resolve_other(events: &Events, ids: &Ids, state: &State) -> String {
    let mut sorted: Vec<&String> = ids.iter().collect();
    sorted.sort_by_key(|id| (Reverse(events[*id].pdu.depth()), sha1(id)));
    let allowed = sorted
        .iter()
        .find(|id| is_allowed(events, &events[**id].pdu, state));
    (*allowed.unwrap_or(&sorted[sorted.len() - 1])).clone()
}
