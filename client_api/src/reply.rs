//! Answers that several endpoints share.

use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::Serialize;

/// Done, and nothing else to say: `{}`.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

/// The event that came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    /// Its id.
    pub(crate) event_id: OwnedEventId,
}

/// The room that came of it.
#[derive(Debug, Serialize)]
pub(crate) struct InRoom {
    /// Its id.
    pub(crate) room_id: OwnedRoomId,
}
