//! Rooms for tests: events with right ids and without signatures, which no rule here looks at.

use std::{collections::BTreeMap, sync::Arc};

use gantry_model::{
    Object, Pdu, RoomVersion, RoomVersionRules, Value, id::UserId, room_version::EventIdFormat,
};
use gantry_state_res::{
    AuthEvent, EventSource, MemoryRoom, Rn, StateMap, auth::auth_types, resolve,
};

/// A room that grows event by event.
pub(crate) struct Room {
    pub(crate) version: RoomVersion,
    pub(crate) memory: MemoryRoom,
    room_id: Option<String>,
}

/// What an event says.
pub(crate) struct Draft<'a> {
    pub(crate) sender: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) state_key: &'a str,
    pub(crate) content: Object,
    pub(crate) ts: i64,
    pub(crate) depth: i64,
    pub(crate) prev: Vec<Rn>,
    pub(crate) auth: Vec<Rn>,
}

impl Room {
    pub(crate) fn new(version: RoomVersion) -> Self {
        Self {
            version,
            memory: MemoryRoom::new(),
            room_id: None,
        }
    }

    pub(crate) fn rules(&self) -> &'static RoomVersionRules {
        self.version.rules()
    }

    pub(crate) fn event(&self, rn: Rn) -> &AuthEvent {
        self.memory.event(rn).expect("the room knows its events")
    }

    /// Adds an event as it is drafted.
    pub(crate) fn push(&mut self, draft: &Draft<'_>) -> Rn {
        let pdu = self.build(draft);
        if self.room_id.is_none() {
            self.room_id = Some(pdu.room_id().to_string());
        }
        self.memory.push(pdu).expect("its auth events are there")
    }

    /// The same for an event that was rejected on receipt.
    pub(crate) fn push_rejected(&mut self, draft: &Draft<'_>) -> Rn {
        let pdu = self.build(draft);
        self.memory
            .push_rejected(pdu)
            .expect("its auth events are there")
    }

    pub(crate) fn build(&self, draft: &Draft<'_>) -> Arc<Pdu> {
        let chosen_id = self.rules().event_id == EventIdFormat::Chosen;
        let mut object = Object::from([
            ("type".to_owned(), draft.kind.into()),
            ("sender".to_owned(), draft.sender.into()),
            ("state_key".to_owned(), draft.state_key.into()),
            ("content".to_owned(), draft.content.clone().into()),
            ("origin_server_ts".to_owned(), draft.ts.into()),
            ("depth".to_owned(), draft.depth.into()),
            ("prev_events".to_owned(), self.references(&draft.prev)),
            ("auth_events".to_owned(), self.references(&draft.auth)),
        ]);
        match &self.room_id {
            Some(room_id) => {
                object.insert("room_id", room_id.as_str().into());
            }
            None if !self.rules().room_id_is_create_hash => {
                object.insert("room_id", "!room:one".into());
            }
            None => {}
        }
        if chosen_id {
            // Scattered, so that ids do not follow the order in which events are made.
            let number = self.memory.events().len() as u64;
            let server = draft
                .sender
                .split_once(':')
                .map_or("one", |(_, server)| server);
            let id = format!("${:016x}:{server}", scatter(number));
            object.insert("event_id", id.into());
        }
        Arc::new(Pdu::parse(object, self.version).expect("the draft is an event"))
    }

    fn references(&self, events: &[Rn]) -> Value {
        let chosen_id = self.rules().event_id == EventIdFormat::Chosen;
        let reference = |rn: &Rn| {
            let id = Value::from(self.event(*rn).pdu.event_id().as_str());
            if chosen_id {
                vec![id, Object::new().into()].into()
            } else {
                id
            }
        };
        events.iter().map(reference).collect::<Vec<Value>>().into()
    }

    /// The auth events that the selection takes from a state.
    pub(crate) fn select(
        &self,
        state: &StateMap,
        kind: &str,
        sender: &str,
        state_key: &str,
        content: &Object,
    ) -> Vec<Rn> {
        let sender = UserId::parse(sender).expect("senders are users");
        auth_types(kind, &sender, Some(state_key), content, self.rules())
            .iter()
            .filter_map(|(kind, key)| state.get(&self.memory.skid(kind, key)?).copied())
            .collect()
    }

    /// An event on top of a state, which it changes, with the auth events of the selection.
    pub(crate) fn send(
        &mut self,
        state: &mut StateMap,
        (sender, kind, state_key): (&str, &str, &str),
        content: &str,
        ts: i64,
    ) -> Rn {
        let content = object(content);
        let prev = state.values().copied().max();
        let rn = self.push(&Draft {
            sender,
            kind,
            state_key,
            auth: self.select(state, kind, sender, state_key, &content),
            content,
            ts,
            depth: prev.map_or(1, |rn| self.event(rn).pdu.depth() + 1),
            prev: prev.into_iter().collect(),
        });
        state.insert(self.event(rn).skid, rn);
        rn
    }

    pub(crate) fn member(
        &mut self,
        state: &mut StateMap,
        sender: &str,
        user: &str,
        membership: &str,
        ts: i64,
    ) -> Rn {
        let content = format!(r#"{{"membership":"{membership}"}}"#);
        self.send(state, (sender, "m.room.member", user), &content, ts)
    }

    pub(crate) fn allowed(&self, rn: Rn, state: &StateMap) -> bool {
        let lookup = |kind: &str, key: &str| {
            if kind == "m.room.create" {
                return self
                    .memory
                    .create()
                    .map(|rn| Arc::clone(&self.event(rn).pdu));
            }
            let rn = state.get(&self.memory.skid(kind, key)?)?;
            Some(Arc::clone(&self.event(*rn).pdu))
        };
        gantry_state_res::auth::check(&self.event(rn).pdu, &lookup).is_ok()
    }

    pub(crate) fn resolve(&self, states: &[StateMap]) -> StateMap {
        resolve(self.rules(), states, &self.memory).state
    }

    /// The event of a key in a state.
    pub(crate) fn get(&self, state: &StateMap, kind: &str, state_key: &str) -> Option<Rn> {
        state.get(&self.memory.skid(kind, state_key)?).copied()
    }

    /// A state with readable keys, for messages and oracles.
    pub(crate) fn named(&self, state: &StateMap) -> BTreeMap<(String, String), String> {
        state
            .values()
            .map(|rn| {
                let pdu = &self.event(*rn).pdu;
                let key = pdu.state_key().expect("a state event").to_owned();
                ((pdu.kind().to_owned(), key), pdu.event_id().to_string())
            })
            .collect()
    }
}

pub(crate) fn object(json: &str) -> Object {
    gantry_model::canonical_json::parse_object(json.as_bytes()).expect("test content is JSON")
}

/// A number that looks like chance.
pub(crate) fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Reproducible chance.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(scatter(seed))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(1);
        (scatter(self.0) % end as u64) as usize
    }

    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
