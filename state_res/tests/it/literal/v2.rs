//! <https://spec.matrix.org/v1.19/rooms/v2/#state-resolution> and its changes in version 12.

use std::cmp::Reverse;

use gantry_model::{Pdu, id::UserId};
use gantry_state_res::{PowerLevels, auth::auth_types};

use super::{
    Events, Ids, State, auth_ids, chain_of_state, conflicted_subgraph, create, is_allowed, key_of,
};

pub(crate) fn resolve(states: &[State], events: &Events, version_12: bool) -> State {
    let (unconflicted, conflicted) = split(states);
    let mut full: Ids = conflicted
        .union(&auth_difference(states, events))
        .cloned()
        .collect();
    if version_12 {
        full.extend(conflicted_subgraph(events, &conflicted));
    }
    full.retain(|id| events.contains_key(id));
    // 1.
    let mut x: Ids = full
        .iter()
        .filter(|id| is_power_event(&events[*id].pdu))
        .cloned()
        .collect();
    loop {
        let more: Ids = x
            .iter()
            .flat_map(|id| auth_ids(events, id))
            .filter(|id| full.contains(id) && !x.contains(id))
            .collect();
        if more.is_empty() {
            break;
        }
        x.extend(more);
    }
    let sorted = reverse_topological_power_order(events, x.clone());
    // 2.
    let start = if version_12 {
        State::new()
    } else {
        unconflicted.clone()
    };
    let partial = iterative_auth_checks(events, &sorted, start);
    // 3.
    let mut rest: Vec<String> = full.difference(&x).cloned().collect();
    let levels = partial.get(&("m.room.power_levels".to_owned(), String::new()));
    let mainline = mainline(events, levels.cloned());
    rest.sort_by_key(|id| {
        let position = mainline_position(events, &mainline, id);
        (
            Reverse(position),
            events[id].pdu.origin_server_ts(),
            id.clone(),
        )
    });
    // 4.
    let mut resolved = iterative_auth_checks(events, &rest, partial);
    // 5.
    resolved.extend(unconflicted);
    resolved
}

fn split(states: &[State]) -> (State, Ids) {
    let mut unconflicted = State::new();
    let mut conflicted = Ids::new();
    for (key, value) in states.iter().flatten() {
        if states.iter().all(|state| state.get(key) == Some(value)) {
            unconflicted.insert(key.clone(), value.clone());
        } else {
            conflicted.insert(value.clone());
        }
    }
    (unconflicted, conflicted)
}

fn auth_difference(states: &[State], events: &Events) -> Ids {
    let chains: Vec<Ids> = states
        .iter()
        .map(|state| chain_of_state(events, state.values().cloned()))
        .collect();
    let in_all = |id: &String| chains.iter().all(|chain| chain.contains(id));
    chains
        .iter()
        .flatten()
        .filter(|id| !in_all(id))
        .cloned()
        .collect()
}

fn is_power_event(pdu: &Pdu) -> bool {
    let first = ["m.room.create", "m.room.power_levels", "m.room.join_rules"];
    let takes_away = matches!(pdu.content_str("membership"), Some("leave" | "ban"));
    first.iter().any(|kind| pdu.is_state(kind, ""))
        || (pdu.kind() == "m.room.member"
            && takes_away
            && pdu.state_key() != Some(pdu.sender().as_str()))
}

fn reverse_topological_power_order(events: &Events, mut left: Ids) -> Vec<String> {
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let free = left
            .iter()
            .filter(|id| auth_ids(events, id).iter().all(|auth| !left.contains(auth)));
        let next = free.min_by_key(|id| {
            let pdu = &events[*id].pdu;
            (
                Reverse(sender_level(events, pdu)),
                pdu.origin_server_ts(),
                (*id).clone(),
            )
        });
        let next = next.expect("auth events form no circle").clone();
        left.remove(&next);
        sorted.push(next);
    }
    sorted
}

fn sender_level(events: &Events, pdu: &Pdu) -> i64 {
    let levels = cited_levels(events, pdu.event_id().as_str());
    let levels = levels.map(|id| &*events[&id].pdu);
    let create = create(events).expect("rooms have a create event");
    let sender: &UserId = pdu.sender();
    PowerLevels::of(&create, levels).for_user(sender)
}

/// The power levels event among the auth events of an event.
fn cited_levels(events: &Events, id: &str) -> Option<String> {
    auth_ids(events, id).into_iter().find(|auth| {
        events
            .get(auth)
            .is_some_and(|known| known.pdu.is_state("m.room.power_levels", ""))
    })
}

fn mainline(events: &Events, levels: Option<String>) -> Vec<String> {
    std::iter::successors(levels, |id| cited_levels(events, id)).collect()
}

fn mainline_position(events: &Events, mainline: &[String], id: &str) -> usize {
    std::iter::successors(cited_levels(events, id), |id| cited_levels(events, id))
        .find_map(|id| mainline.iter().position(|on_mainline| *on_mainline == id))
        .unwrap_or(usize::MAX)
}

fn iterative_auth_checks(events: &Events, list: &[String], mut state: State) -> State {
    for id in list {
        let pdu = &events[id].pdu;
        let is_usable = |id: &String| events.get(id).is_some_and(|known| !known.rejected);
        // Earlier auth events of a key win, so they are put in last.
        let mut authorizing: State = auth_ids(events, id)
            .into_iter()
            .rev()
            .filter(is_usable)
            .map(|auth| (key_of(&events[&auth].pdu), auth))
            .collect();
        let types = auth_types(
            pdu.kind(),
            pdu.sender(),
            pdu.state_key(),
            pdu.content(),
            pdu.rules(),
        );
        for key in types {
            if let Some(id) = state.get(&key).filter(|id| is_usable(id)) {
                authorizing.insert(key, id.clone());
            }
        }
        if is_allowed(events, pdu, &authorizing) {
            state.insert(key_of(pdu), id.clone());
        }
    }
    state
}
