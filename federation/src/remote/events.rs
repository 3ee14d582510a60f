//! Events and states.

use std::time::Duration;

use gantry_model::{
    Object, Value,
    id::{EventId, OwnedEventId, RoomId, ServerName},
};
use gantry_outbound::Held;
use gantry_rooms::Direction;

use super::{path, query};
use crate::{
    Result,
    client::{Call, Client, bad},
    wire::{self, event_ids, objects},
};

/// The largest answer with a room's state.
const MAX_STATE_BYTES: usize = 256 * 1024 * 1024;
/// The most events of a state, and the most of an auth chain.
const MAX_STATE: usize = 500_000;
/// The most events of any other answer.
const MAX_EVENTS: usize = 500;
/// How long an answer with a room's state may take.
const STATE_TIMEOUT: Duration = Duration::from_mins(1);

/// The ids of a state.
#[derive(Debug)]
pub(crate) struct StateIds {
    pub(crate) state: Vec<OwnedEventId>,
    pub(crate) auth_chain: Vec<OwnedEventId>,
}

/// A state with the events that authorize it.
#[derive(Debug)]
pub(crate) struct FullState {
    pub(crate) state: Vec<Object>,
    pub(crate) auth_chain: Vec<Object>,
    /// What it takes of what large answers may take.
    pub(crate) _held: Held,
}

impl Client {
    /// `POST get_missing_events`
    pub(crate) async fn get_missing_events(
        &self,
        server: &ServerName,
        room: &RoomId,
        earliest: &[OwnedEventId],
        latest: &[OwnedEventId],
        limit: usize,
    ) -> Result<Vec<Object>> {
        let body = wire::object([
            (
                "earliest_events",
                wire::ids(earliest.iter().map(|id| &**id)),
            ),
            ("latest_events", wire::ids(latest.iter().map(|id| &**id))),
            ("limit", (limit as i64).into()),
            ("min_depth", 0.into()),
        ]);
        let call = Call::post(path("v1", &["get_missing_events", room.as_str()]), body);
        let mut answer = self.call_object(server, call).await?;
        Ok(objects(&mut answer, "events", MAX_EVENTS))
    }

    /// `GET backfill`
    pub(crate) async fn backfill(
        &self,
        server: &ServerName,
        room: &RoomId,
        from: &[OwnedEventId],
        limit: usize,
    ) -> Result<Vec<Object>> {
        let limit = limit.to_string();
        let mut pairs = vec![("limit", limit.as_str())];
        pairs.extend(from.iter().map(|id| ("v", id.as_str())));
        let call = Call::get(path("v1", &["backfill", room.as_str()]) + &query(&pairs));
        let mut answer = self.call_object(server, call).await?;
        Ok(objects(&mut answer, "pdus", MAX_EVENTS))
    }

    /// `GET event`
    pub(crate) async fn event(&self, server: &ServerName, event: &EventId) -> Result<Object> {
        let call = Call::get(path("v1", &["event", event.as_str()]));
        let mut answer = self.call_object(server, call).await?;
        objects(&mut answer, "pdus", 1)
            .pop()
            .ok_or_else(|| bad(server, "no event"))
    }

    /// `GET timestamp_to_event`: the event and its time.
    pub(crate) async fn event_at(
        &self,
        server: &ServerName,
        room: &RoomId,
        ts: i64,
        direction: Direction,
    ) -> Result<(OwnedEventId, i64)> {
        let ts = ts.to_string();
        let dir = match direction {
            Direction::Forward => "f",
            Direction::Backward => "b",
        };
        let path = path("v1", &["timestamp_to_event", room.as_str()]);
        let call = Call::get(path + &query(&[("ts", &ts), ("dir", dir)])).max_bytes(16 * 1024);
        let answer = self.call_object(server, call).await?;
        let event = wire::text(&answer, "event_id").and_then(wire::event_id);
        let at = answer.get("origin_server_ts").and_then(Value::as_int);
        event.zip(at).ok_or_else(|| bad(server, "no event"))
    }

    /// `GET event_auth`
    pub(crate) async fn event_auth(
        &self,
        server: &ServerName,
        room: &RoomId,
        event: &EventId,
    ) -> Result<Vec<Object>> {
        let call = Call::get(path("v1", &["event_auth", room.as_str(), event.as_str()]));
        let mut answer = self.call_object(server, call).await?;
        Ok(objects(&mut answer, "auth_chain", MAX_STATE))
    }

    /// `GET state_ids`
    pub(crate) async fn state_ids(
        &self,
        server: &ServerName,
        room: &RoomId,
        event: &EventId,
    ) -> Result<StateIds> {
        let path = path("v1", &["state_ids", room.as_str()]);
        let call = Call::get(path + &query(&[("event_id", event.as_str())]))
            .timeout(STATE_TIMEOUT)
            .max_bytes(MAX_STATE_BYTES);
        let answer = self.call_object(server, call).await?;
        Ok(StateIds {
            state: event_ids(&answer, "pdu_ids", MAX_STATE),
            auth_chain: event_ids(&answer, "auth_chain_ids", MAX_STATE),
        })
    }

    /// `GET state`
    pub(crate) async fn state(
        &self,
        server: &ServerName,
        room: &RoomId,
        event: &EventId,
    ) -> Result<FullState> {
        let path = path("v1", &["state", room.as_str()]);
        let call = Call::get(path + &query(&[("event_id", event.as_str())]))
            .timeout(STATE_TIMEOUT)
            .max_bytes(MAX_STATE_BYTES);
        let (mut answer, held) = self.call_large(server, call).await?;
        Ok(FullState {
            _held: held,
            state: objects(&mut answer, "pdus", MAX_STATE),
            auth_chain: objects(&mut answer, "auth_chain", MAX_STATE),
        })
    }
}
