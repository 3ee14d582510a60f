//! The specification, word by word and slow: sets of event ids, no numbers, no caches. Only the
//! authorization rules are those of the crate, through their public function.

mod v1;
mod v2;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gantry_model::{Pdu, room_version::StateResolution};
use gantry_state_res::{StateMap, auth};

use crate::room::Room;

pub(crate) type Key = (String, String);
pub(crate) type State = BTreeMap<Key, String>;
pub(crate) type Ids = BTreeSet<String>;

/// An event, and whether it was rejected.
pub(crate) struct Known {
    pub(crate) pdu: Arc<Pdu>,
    pub(crate) rejected: bool,
}

pub(crate) type Events = BTreeMap<String, Known>;

pub(crate) fn events(room: &Room) -> Events {
    let known = room.memory.events().iter().map(|event| {
        let known = Known {
            pdu: Arc::clone(&event.pdu),
            rejected: event.rejected,
        };
        (event.pdu.event_id().to_string(), known)
    });
    known.collect()
}

/// The resolution of states by the letter.
pub(crate) fn resolve(room: &Room, events: &Events, states: &[StateMap]) -> State {
    let states: Vec<State> = states.iter().map(|state| room.named(state)).collect();
    match room.rules().state_resolution {
        StateResolution::V1 => v1::resolve(&states, events),
        StateResolution::V2 => v2::resolve(&states, events, false),
        StateResolution::V2_1 => v2::resolve(&states, events, true),
    }
}

pub(crate) fn auth_ids(events: &Events, id: &str) -> Vec<String> {
    let Some(known) = events.get(id) else {
        return Vec::new();
    };
    let ids = known.pdu.auth_events().iter();
    ids.map(ToString::to_string).collect()
}

/// "The auth chain of an event E is the set containing all of E's auth events, all of their auth
/// events, and so on recursively".
pub(crate) fn auth_chain(events: &Events, id: &str) -> Ids {
    full_auth_chain(events, [id.to_owned()])
}

/// The union of the auth chains of some events.
pub(crate) fn full_auth_chain(events: &Events, ids: impl IntoIterator<Item = String>) -> Ids {
    let mut chain = Ids::new();
    let mut stack: Vec<String> = ids
        .into_iter()
        .flat_map(|id| auth_ids(events, &id))
        .collect();
    while let Some(id) = stack.pop() {
        if chain.insert(id.clone()) {
            stack.extend(auth_ids(events, &id));
        }
    }
    chain
}

/// The full auth chain of a state: the auth chains of its events, and the events themselves, which
/// the words leave out and other servers do not (ADR 0008).
pub(crate) fn chain_of_state(events: &Events, ids: impl IntoIterator<Item = String>) -> Ids {
    let own: Ids = ids.into_iter().collect();
    let mut chain = full_auth_chain(events, own.iter().cloned());
    chain.extend(own);
    chain
}

/// The events on paths between conflicted events, ends included.
pub(crate) fn conflicted_subgraph(events: &Events, conflicted: &Ids) -> Ids {
    let below = full_auth_chain(events, conflicted.iter().cloned());
    let between = below
        .into_iter()
        .filter(|id| !auth_chain(events, id).is_disjoint(conflicted));
    between.chain(conflicted.iter().cloned()).collect()
}

pub(crate) fn key_of(pdu: &Pdu) -> Key {
    (
        pdu.kind().to_owned(),
        pdu.state_key().unwrap_or_default().to_owned(),
    )
}

pub(crate) fn is_allowed(events: &Events, pdu: &Pdu, state: &State) -> bool {
    let lookup = |kind: &str, key: &str| {
        if kind == "m.room.create" {
            return create(events);
        }
        let id = state.get(&(kind.to_owned(), key.to_owned()))?;
        let known = events.get(id).filter(|known| !known.rejected)?;
        Some(Arc::clone(&known.pdu))
    };
    auth::check(pdu, &lookup).is_ok()
}

pub(crate) fn create(events: &Events) -> Option<Arc<Pdu>> {
    events
        .values()
        .find(|known| known.pdu.is_state("m.room.create", ""))
        .map(|known| Arc::clone(&known.pdu))
}
