//! The event nearest to a moment.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event>.

use gantry_accounts::Session;
use gantry_model::id::{RoomId, UserId};
use gantry_rooms::{Direction, RoomEvent};
use tracing::debug;

use crate::{Error, Reading, Result};

/// How many entries are looked at, in growing steps.
const STEPS: [usize; 3] = [40, 400, 4_000];

impl Reading {
    /// The event that was sent at a moment (milliseconds), or next after or before it, among those
    /// that the user may see. If there may be nearer ones that are not here, other servers in the
    /// room are asked.
    pub async fn event_at_time(
        &self,
        session: &Session,
        room: &RoomId,
        ts: i64,
        direction: Direction,
    ) -> Result<RoomEvent> {
        let user = &session.user_id;
        let mut found = self.known_event_at(user, room, ts, direction).await?;
        if self.is_at_gap(room, found.as_ref(), direction).await? {
            let known = found.as_ref().map(|event| event.pdu.origin_server_ts());
            let federation = &self.core.federation;
            match federation.fetch_event_at(room, ts, direction, known).await {
                Ok(true) => found = self.known_event_at(user, room, ts, direction).await?,
                Ok(false) => {}
                Err(error) => debug!(room.id = %room, %error, "no nearer event was fetched"),
            }
        }
        found.ok_or_else(|| {
            let way = match direction {
                Direction::Forward => "forward",
                Direction::Backward => "backward",
            };
            Error::not_found(format!("Unable to find event from {ts} in {way} direction"))
        })
    }

    /// The same among the events that are here.
    async fn known_event_at(
        &self,
        user: &UserId,
        room: &RoomId,
        ts: i64,
        direction: Direction,
    ) -> Result<Option<RoomEvent>> {
        let view = self.core.readable_view(user, room).await?;
        for limit in STEPS {
            let rooms = &self.core.rooms;
            let events = rooms.events_around(room, ts, direction, limit).await?;
            let mut events = self.core.visible(user, room, events).await?;
            // Whoever has left sees nothing behind the leave.
            events.retain(|event| event.key.is_some_and(|key| key < view.end()));
            if !events.is_empty() {
                return Ok(Some(events.swap_remove(0)));
            }
        }
        Ok(None)
    }

    /// Whether events are missing between the moment that was asked about and what was found:
    /// right before an event that follows the moment, and right behind one that precedes it.
    async fn is_at_gap(
        &self,
        room: &RoomId,
        found: Option<&RoomEvent>,
        direction: Direction,
    ) -> Result<bool> {
        let rooms = &self.core.rooms;
        let found = found.and_then(|event| event.key);
        let later = match (found, direction) {
            (Some(key), Direction::Forward) => Some(key),
            (Some(key), Direction::Backward) => {
                let next = Some(key.next());
                let page = rooms
                    .timeline(room, next, None, Direction::Forward, 1)
                    .await?;
                page.events.first().and_then(|event| event.key)
            }
            // All that is here is later.
            (None, Direction::Backward) => {
                let page = rooms
                    .timeline(room, None, None, Direction::Forward, 1)
                    .await?;
                page.events.first().and_then(|event| event.key)
            }
            // All that is here is earlier, and what comes next will be sent to us.
            (None, Direction::Forward) => None,
        };
        let Some(later) = later else {
            return Ok(false);
        };
        let from = Some(later.next());
        let page = rooms
            .timeline(room, from, None, Direction::Backward, 1)
            .await?;
        Ok(!page.missing.is_empty())
    }
}
