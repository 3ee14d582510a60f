//! The event nearest to a moment.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event>.

use gantry_accounts::Session;
use gantry_model::id::RoomId;
use gantry_rooms::{Direction, RoomEvent};

use crate::{Error, Reading, Result};

/// How many entries are looked at, in growing steps.
const STEPS: [usize; 3] = [40, 400, 4_000];

impl Reading {
    /// The event that was sent at a moment (milliseconds), or next after or before it, among those
    /// that the user may see.
    pub async fn event_at_time(
        &self,
        session: &Session,
        room: &RoomId,
        ts: i64,
        direction: Direction,
    ) -> Result<RoomEvent> {
        let user = &session.user_id;
        let view = self.core.readable_view(user, room).await?;
        for limit in STEPS {
            let rooms = &self.core.rooms;
            let events = rooms.events_around(room, ts, direction, limit).await?;
            let mut events = self.core.visible(user, room, events).await?;
            // Whoever has left sees nothing behind the leave.
            events.retain(|event| event.key.is_some_and(|key| key < view.end()));
            if !events.is_empty() {
                return Ok(events.swap_remove(0));
            }
        }
        let way = match direction {
            Direction::Forward => "forward",
            Direction::Backward => "backward",
        };
        let reason = format!("Unable to find event from {ts} in {way} direction");
        Err(Error::not_found(reason))
    }
}
