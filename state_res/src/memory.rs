//! A room whose state events are all in memory.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{
    Pdu,
    id::{EventId, OwnedEventId},
};

use crate::{AuthDag, AuthEvent, EventSource, Rn, Skid};

/// Why an event does not go into a [`MemoryRoom`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It has no state key.
    #[error("not a state event")]
    NotState,
    /// One of its auth events is not in the room.
    #[error("an auth event is not in the room")]
    UnknownAuthEvent,
}

/// The simplest [`EventSource`]: it numbers events in the order in which they come.
#[derive(Debug, Default)]
pub struct MemoryRoom {
    events: Vec<AuthEvent>,
    numbers: HashMap<OwnedEventId, Rn>,
    skids: HashMap<String, HashMap<String, Skid>>,
    next_skid: Skid,
    create: Option<Rn>,
    dag: AuthDag,
}

impl MemoryRoom {
    /// A room without events.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a state event behind its auth events and returns its number. An event that is there
    /// already keeps its number.
    pub fn push(&mut self, pdu: Arc<Pdu>) -> Result<Rn, MemoryError> {
        self.insert(pdu, false)
    }

    /// The same for an event that was rejected on receipt.
    pub fn push_rejected(&mut self, pdu: Arc<Pdu>) -> Result<Rn, MemoryError> {
        self.insert(pdu, true)
    }

    fn insert(&mut self, pdu: Arc<Pdu>, rejected: bool) -> Result<Rn, MemoryError> {
        if let Some(known) = self.rn(pdu.event_id()) {
            return Ok(known);
        }
        let state_key = pdu.state_key().ok_or(MemoryError::NotState)?;
        let auth: Option<Vec<Rn>> = pdu.auth_events().iter().map(|id| self.rn(id)).collect();
        let auth = auth.ok_or(MemoryError::UnknownAuthEvent)?;
        let skid = self.number_key(pdu.kind(), state_key);
        let rn = self.dag.push(skid, &auth);
        if self.create.is_none() && pdu.is_state("m.room.create", "") {
            self.create = Some(rn);
        }
        self.numbers.insert(pdu.event_id().to_owned(), rn);
        self.events
            .push(AuthEvent::new(pdu, rn, skid, auth, rejected));
        Ok(rn)
    }

    fn number_key(&mut self, kind: &str, state_key: &str) -> Skid {
        if let Some(known) = self.skid(kind, state_key) {
            return known;
        }
        let skid = self.next_skid;
        self.next_skid += 1;
        self.skids
            .entry(kind.to_owned())
            .or_default()
            .insert(state_key.to_owned(), skid);
        skid
    }

    /// The number of an event.
    pub fn rn(&self, event_id: &EventId) -> Option<Rn> {
        self.numbers.get(event_id).copied()
    }

    /// All events in the order of their numbers.
    pub fn events(&self) -> &[AuthEvent] {
        &self.events
    }
}

impl EventSource for MemoryRoom {
    fn event(&self, rn: Rn) -> Option<&AuthEvent> {
        self.events.get(rn as usize)
    }

    fn skid(&self, kind: &str, state_key: &str) -> Option<Skid> {
        self.skids.get(kind)?.get(state_key).copied()
    }

    fn create(&self) -> Option<Rn> {
        self.create
    }

    fn dag(&self) -> Option<&AuthDag> {
        Some(&self.dag)
    }
}
