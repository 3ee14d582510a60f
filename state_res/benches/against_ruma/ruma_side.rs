//! ruma-state-res and what it wants from its caller.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use gantry_model::id::{EventId, OwnedEventId};
use gantry_state_res::{EventSource, MemoryRoom, StateMap};
use ruma::{RoomVersionId, events::StateEventType, room_version_rules::RoomVersionRules};
use ruma_state_res::{
    Event,
    utils::{event_id_map::EventIdMap, event_id_set::EventIdSet},
};

use crate::{ruma_event::RumaEvent, scenario::Scenario};

pub(crate) type RumaState = ruma_state_res::StateMap<OwnedEventId>;
pub(crate) type Chain = EventIdSet<OwnedEventId>;

/// A room in ruma's terms.
pub(crate) struct Room {
    rules: RoomVersionRules,
    events: EventIdMap<OwnedEventId, RumaEvent>,
    states: Vec<RumaState>,
}

impl Room {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let room = &scenario.room.memory;
        let events = room.events().iter();
        let version = RoomVersionId::try_from(scenario.version.as_str());
        Self {
            rules: version
                .ok()
                .and_then(|version| version.rules())
                .expect("ruma knows the version"),
            events: events
                .map(|event| (event.pdu.event_id().to_owned(), RumaEvent::new(event)))
                .collect(),
            states: scenario
                .room
                .forks
                .iter()
                .map(|state| ruma_state(room, state))
                .collect(),
        }
    }

    /// The full auth chain of each state, with the state's own events (ADR 0008).
    pub(crate) fn chains(&self) -> Vec<Chain> {
        self.states
            .iter()
            .map(|state| {
                let mut chain = self.chain(state.values());
                chain.extend(state.values().cloned());
                chain
            })
            .collect()
    }

    fn chain<'a>(&'a self, ids: impl Iterator<Item = &'a OwnedEventId>) -> Chain {
        let mut chain = Chain::new();
        let mut to_visit: Vec<&OwnedEventId> = ids.collect();
        while let Some(id) = to_visit.pop() {
            for auth in self.events.get(id).into_iter().flat_map(Event::auth_events) {
                if !chain.contains(auth) {
                    chain.insert(auth.clone());
                    to_visit.push(auth);
                }
            }
        }
        chain
    }

    pub(crate) fn resolve(&self, chains: Vec<Chain>) -> RumaState {
        let algorithm = self.rules.state_res.v2_rules().expect("not version 1");
        let resolved = ruma_state_res::resolve(
            &self.rules.authorization,
            algorithm,
            &self.states,
            chains,
            |id| self.events.get(id).cloned(),
            |conflicted| Some(self.subgraph(conflicted)),
        );
        resolved.expect("ruma resolves every scenario")
    }

    /// The events on paths between conflicted events: down from each, and marked on the way up.
    fn subgraph(&self, conflicted: &ruma_state_res::StateMap<Vec<OwnedEventId>>) -> Chain {
        let conflicted: EventIdSet<OwnedEventId> = conflicted.values().flatten().cloned().collect();
        let leads_there = RefCell::new(HashMap::new());
        let mut subgraph = Chain::new();
        for id in &conflicted {
            self.mark(id, &conflicted, &leads_there);
        }
        subgraph.extend(
            leads_there
                .into_inner()
                .into_iter()
                .filter(|(_, leads)| *leads)
                .map(|(id, _)| id.clone()),
        );
        subgraph
    }

    fn mark<'a>(
        &'a self,
        id: &'a EventId,
        conflicted: &EventIdSet<OwnedEventId>,
        leads_there: &RefCell<HashMap<&'a OwnedEventId, bool>>,
    ) -> bool {
        let Some(event) = self.events.get(id) else {
            return false;
        };
        if let Some(known) = leads_there.borrow().get(event.event_id()) {
            return *known;
        }
        let mut leads = conflicted.contains(id);
        for auth in event.auth_events() {
            leads |= self.mark(auth, conflicted, leads_there);
        }
        leads_there.borrow_mut().insert(event.event_id(), leads);
        leads
    }
}

/// Panics unless both sides came to the same state.
pub(crate) fn assert_same(ours: &StateMap, room: &MemoryRoom, theirs: &RumaState) {
    let ours: BTreeSet<&EventId> = ours
        .values()
        .filter_map(|rn| Some(room.event(*rn)?.pdu.event_id()))
        .collect();
    let theirs: BTreeSet<&EventId> = theirs.values().map(|id| &**id).collect();
    assert_eq!(ours, theirs);
}

fn ruma_state(room: &MemoryRoom, state: &StateMap) -> RumaState {
    state
        .values()
        .filter_map(|rn| {
            let pdu = &room.event(*rn)?.pdu;
            let key = (
                StateEventType::from(pdu.kind()),
                pdu.state_key()?.to_owned(),
            );
            Some((key, pdu.event_id().to_owned()))
        })
        .collect()
}
