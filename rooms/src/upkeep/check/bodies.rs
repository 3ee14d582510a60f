//! State keys, bodies of state events, and bodies of what is in no log.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{Pdu, RoomVersion, pdu::event_hash};
use gantry_state_res::{AuthEvent, EventSource as _};
use gantry_store::{Key, Store, bson::RawDocumentBuf, from_raw, schema::ROOM};
use serde::de::DeserializeOwned;

use super::event::examine;
use crate::{
    Result,
    codec::{
        Hash, KIND_KEY, KIND_OUTLIER, KIND_STATE, KeyDoc, OutlierDoc, RoomDoc, StateDoc, hash_of,
        number, unpack,
    },
    memory::{Dag, key_hash},
    pages::Pages,
    upkeep::findings::Checked,
};

/// Documents that are read at once.
const AT_ONCE: usize = 500;

/// The bodies of a room.
#[derive(Default)]
pub(super) struct Bodies {
    pub(super) dag: Dag,
    /// Rejected events, with the events before them.
    pub(super) rejected: HashMap<Hash, Vec<Hash>>,
    /// Whether the log can be judged by them.
    pub(super) is_whole: bool,
}

impl Bodies {
    /// Reads and checks them.
    pub(super) async fn read(store: &Store, room: &RoomDoc, found: &mut Checked) -> Result<Self> {
        let mut reading = Reading {
            room,
            version: room.version()?,
            bodies: Self::default(),
            found,
        };
        let is_whole = reading.keys(store).await? && reading.state_events(store).await?;
        reading.outliers(store).await?;
        reading.bodies.is_whole = is_whole;
        Ok(reading.bodies)
    }
}

struct Reading<'a> {
    room: &'a RoomDoc,
    version: RoomVersion,
    bodies: Bodies,
    found: &'a mut Checked,
}

impl Reading<'_> {
    fn pages<'s>(&self, store: &'s Store, kind: u8) -> Pages<'s, RawDocumentBuf> {
        Pages::of_room(store, self.room.rid as u64, kind, AT_ONCE)
    }

    fn find(&mut self, place: String, what: impl Into<String>) {
        self.found.find(Some(&self.room.room_id), place, what);
    }

    fn decode<T: DeserializeOwned>(&mut self, place: &str, doc: &RawDocumentBuf) -> Option<T> {
        match from_raw(ROOM, doc) {
            Ok(value) => Some(value),
            Err(error) => {
                self.find(place.to_owned(), error.to_string());
                None
            }
        }
    }

    async fn keys(&mut self, store: &Store) -> Result<bool> {
        let mut pages = self.pages(store, KIND_KEY);
        while let Some(page) = pages.next().await? {
            for (key, doc) in page {
                let n = number(&key)?;
                let place = format!("state key {n}");
                if n != u64::from(self.bodies.dag.key_count()) {
                    self.find(place, "the one before it is missing");
                    return Ok(false);
                }
                let Some(doc) = self.decode::<KeyDoc>(&place, &doc) else {
                    return Ok(false);
                };
                if doc.kh.0 != key_hash(&doc.kind, &doc.state_key) {
                    self.find(place.clone(), "its hash is that of another key");
                }
                if self.bodies.dag.skid(&doc.kind, &doc.state_key).is_some() {
                    self.find(place, "the same key has a number before");
                }
                self.bodies.dag.push_key(&doc.kind, &doc.state_key);
            }
        }
        Ok(true)
    }

    async fn state_events(&mut self, store: &Store) -> Result<bool> {
        let mut pages = self.pages(store, KIND_STATE);
        while let Some(page) = pages.next().await? {
            for (key, doc) in page {
                self.found.state_events += 1;
                if !self.state_event(&key, &doc)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn state_event(&mut self, key: &Key, doc: &RawDocumentBuf) -> Result<bool> {
        let rn = self.bodies.dag.len();
        let place = format!("state event {rn}");
        if number(key)? != u64::from(rn) {
            self.find(place, "it is missing");
            return Ok(false);
        }
        let Some(doc) = self.decode::<StateDoc>(&place, doc) else {
            return Ok(false);
        };
        let hash = hash_of(&doc.be)?;
        let pdu = match examine(&doc.body, self.version, &hash) {
            Ok(pdu) => Arc::new(pdu),
            Err(what) => {
                self.find(place, what);
                return Ok(false);
            }
        };
        for what in self.differences(&doc, &pdu) {
            self.find(place.clone(), what);
        }
        if doc.rej.is_some() {
            let before = hashes(pdu.prev_events(), self.version);
            self.bodies.rejected.insert(hash, before);
        }
        let auth = unpack(&doc.auth).collect();
        let event = AuthEvent::new(pdu, rn, doc.skid as u32, auth, doc.rej.is_some());
        self.bodies.dag.push(hash, event);
        Ok(true)
    }

    fn differences(&self, doc: &StateDoc, pdu: &Pdu) -> Vec<&'static str> {
        let dag = &self.bodies.dag;
        let mut wrong = Vec::new();
        let key = pdu.state_key().map(|state_key| (pdu.kind(), state_key));
        if key.is_none() || dag.key(doc.skid as u32) != key {
            wrong.push("its state key number is another key's");
        }
        if dag.key(doc.by as u32) != Some(("m.room.member", pdu.sender().as_str())) {
            wrong.push("its sender number is another user's");
        }
        if doc.ts != pdu.origin_server_ts() {
            wrong.push("its time is not that of its body");
        }
        if !names_auth_events(dag, &doc.auth, pdu) {
            wrong.push("its auth events are not those of its body");
        }
        wrong
    }

    async fn outliers(&mut self, store: &Store) -> Result<()> {
        let mut pages = self.pages(store, KIND_OUTLIER);
        while let Some(page) = pages.next().await? {
            for (key, doc) in page {
                let place = format!("outlier {:016x}", number(&key)?);
                let Some(doc) = self.decode::<OutlierDoc>(&place, &doc) else {
                    continue;
                };
                let hash = hash_of(&doc.be)?;
                match examine(&doc.body, self.version, &hash) {
                    Ok(pdu) if doc.rej.is_some() => {
                        let before = hashes(pdu.prev_events(), self.version);
                        self.bodies.rejected.insert(hash, before);
                    }
                    Ok(_) => {}
                    Err(what) => self.find(place, what),
                }
            }
        }
        Ok(())
    }
}

/// Whether packed numbers are those of a body's auth events.
pub(super) fn names_auth_events(dag: &Dag, packed: &[u8], pdu: &Pdu) -> bool {
    let named = pdu
        .auth_events()
        .iter()
        .map(|id| dag.find(&event_hash(id, pdu.rules())));
    unpack(packed).map(Some).eq(named)
}

fn hashes(ids: &[gantry_model::id::OwnedEventId], version: RoomVersion) -> Vec<Hash> {
    ids.iter()
        .map(|id| event_hash(id, version.rules()))
        .collect()
}
