//! ruma-state-res as a second opinion on versions 2 and 2.1.

use std::collections::{BTreeMap, HashMap};

use gantry_model::id::{EventId, OwnedEventId};
use gantry_state_res::{AuthEvent, EventSource, Rn, StateMap};
use ruma::{RoomVersionId, events::StateEventType, room_version_rules::RoomVersionRules};
use ruma_state_res::utils::event_id_set::EventIdSet;

use crate::{literal, room::Room, ruma_event::RumaEvent};

/// Whether ruma's authorization rules allow an event against a state, and whether they accept its
/// list of auth events.
pub(crate) fn verdict(room: &Room, event: &AuthEvent, state: &StateMap) -> (bool, bool) {
    let rules = rules(room).authorization;
    let event = RumaEvent::new(event);
    let find = |rn: Option<Rn>| rn.map(|rn| RumaEvent::new(room.event(rn)));
    let by_state = ruma_state_res::check_state_dependent_auth_rules(&rules, &event, |kind, key| {
        if kind == &StateEventType::RoomCreate {
            return find(room.memory.create());
        }
        find(room.get(state, &kind.to_string(), key))
    });
    let by_list = ruma_state_res::check_state_independent_auth_rules(&rules, &event, |id| {
        find(room.memory.rn(id))
    });
    (by_state.is_ok(), by_list.is_ok())
}

fn rules(room: &Room) -> RoomVersionRules {
    RoomVersionId::try_from(room.version.as_str())
        .ok()
        .and_then(|version| version.rules())
        .expect("ruma knows the version")
}

/// The resolution of the states by ruma.
pub(crate) fn resolve(room: &Room, states: &[StateMap]) -> BTreeMap<(String, String), String> {
    let events: HashMap<OwnedEventId, RumaEvent> = room
        .memory
        .events()
        .iter()
        .map(|event| (event.pdu.event_id().to_owned(), RumaEvent::new(event)))
        .collect();
    let maps: Vec<ruma_state_res::StateMap<OwnedEventId>> =
        states.iter().map(|state| ruma_state(room, state)).collect();
    let rules = rules(room);
    let chains = states
        .iter()
        .map(|state| {
            let ids = room.named(state).into_values();
            literal::chain_of_state(&literal::events(room), ids)
                .into_iter()
                .filter_map(|id| EventId::parse(id).ok())
                .collect::<EventIdSet<OwnedEventId>>()
        })
        .collect();
    let resolved = ruma_state_res::resolve(
        &rules.authorization,
        rules.state_res.v2_rules().expect("not version 1"),
        &maps,
        chains,
        |id| events.get(id).cloned(),
        |conflicted| {
            let ids = conflicted
                .values()
                .flatten()
                .map(ToString::to_string)
                .collect();
            let subgraph = literal::conflicted_subgraph(&literal::events(room), &ids);
            let ids = subgraph
                .into_iter()
                .filter_map(|id| EventId::parse(id).ok());
            Some(ids.collect())
        },
    );
    resolved
        .expect("ruma resolves every case")
        .into_iter()
        .map(|((kind, key), id)| ((kind.to_string(), key), id.to_string()))
        .collect()
}

fn ruma_state(room: &Room, state: &StateMap) -> ruma_state_res::StateMap<OwnedEventId> {
    state
        .values()
        .map(|rn| {
            let pdu = &room.event(*rn).pdu;
            let key = pdu.state_key().expect("a state event").to_owned();
            (
                (StateEventType::from(pdu.kind()), key),
                pdu.event_id().to_owned(),
            )
        })
        .collect()
}
