//! What another server may ask about a room.

use std::time::Duration;

use gantry_model::{
    Object, Pdu, RoomVersion,
    id::{RoomId, ServerName},
};
use gantry_rooms::{Direction, RoomEvent, RoomView};

use crate::{Error, Federation, Result};

/// How long another server waits for what we do not have yet.
const PATIENCE: Duration = Duration::from_secs(15);

impl Federation {
    /// A room that we are in and from which the server is not excluded.
    pub(crate) async fn room_for(&self, origin: &ServerName, room: &RoomId) -> Result<RoomView> {
        let view = self.rooms().view(room).await?;
        let view = view
            .filter(RoomView::is_joined_locally)
            .ok_or(Error::NotFound("this server is not in the room"))?;
        if self.acls().allows(&view, origin) {
            Ok(view)
        } else {
            Err(Error::Forbidden("the server is excluded from the room"))
        }
    }

    /// The same for what needs the whole state: members that are missing are waited for.
    pub(crate) async fn whole_room_for(
        &self,
        origin: &ServerName,
        room: &RoomId,
    ) -> Result<RoomView> {
        let view = self.room_for(origin, room).await?;
        Ok(self.rooms().whole(view, PATIENCE).await?)
    }

    /// The same as [`room_for`](Self::room_for), for what only servers in the room may ask.
    pub(crate) async fn room_shared_with(
        &self,
        origin: &ServerName,
        room: &RoomId,
    ) -> Result<RoomView> {
        let view = self.room_for(origin, room).await?;
        if self.rooms().is_server_in_room(origin, room).await? {
            Ok(view)
        } else {
            Err(Error::Forbidden("the server is not in the room"))
        }
    }

    /// Events as the server may see them.
    pub(crate) async fn shown_to(
        &self,
        origin: &ServerName,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        Ok(self.rooms().server_visible(origin, room, events).await?)
    }

    /// The event nearest to a moment that the server may see whole, among the first of so many.
    pub(crate) async fn shown_event_at(
        &self,
        origin: &ServerName,
        room: &RoomId,
        ts: i64,
        direction: Direction,
        steps: &[usize],
    ) -> Result<Option<RoomEvent>> {
        for limit in steps {
            let events = self
                .rooms()
                .events_around(room, ts, direction, *limit)
                .await?;
            let is_all = events.len() < *limit;
            let shown = self.shown_to(origin, room, events.clone()).await?;
            let seen = events
                .into_iter()
                .zip(shown)
                .find(|(event, shown)| event.pdu.object() == shown.pdu.object());
            if seen.is_some() || is_all {
                return Ok(seen.map(|(event, _)| event));
            }
        }
        Ok(None)
    }

    /// An event that another server hands over itself, not in a transaction: format, signatures
    /// and hash, all of which must be right.
    pub(crate) async fn check_handed_over(
        &self,
        object: Object,
        version: RoomVersion,
        room: &RoomId,
        event_id: &str,
    ) -> Result<Pdu> {
        let pdu = Pdu::parse(object, version)?;
        if pdu.room_id() != room || pdu.event_id() != event_id {
            return Err(Error::BadRequest(
                "the event is not the one that the path names",
            ));
        }
        let checked = self.checker().check_one(pdu.clone()).await;
        let checked =
            checked.map_err(|_| Error::Forbidden("the event is not signed as it must be"))?;
        if checked.object() == pdu.object() {
            Ok(checked)
        } else {
            Err(Error::BadRequest(
                "the event's hash is not that of its content",
            ))
        }
    }
}
