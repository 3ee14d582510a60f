//! How much of a room a user may read.

use std::time::Duration;

use gantry_model::id::{RoomId, UserId};
use gantry_rooms::{Membership, RoomEvent, RoomView};

use crate::{Error, Result, core::Core};

/// How many changes of a left user's membership are followed back to the leave.
const MAX_STEPS: usize = 8;
/// How long a user waits for the members of a room that is just being joined.
const PATIENCE: Duration = Duration::from_secs(20);

impl Core {
    /// The room as it is now, for a user who is in it.
    pub(crate) async fn joined_view(&self, user: &UserId, room: &RoomId) -> Result<RoomView> {
        match self.rooms.view(room).await? {
            Some(view) if view.membership(user) == Some(Membership::Join) => Ok(view),
            // Whether there is such a room is not for strangers to know.
            _ => Err(stranger()),
        }
    }

    /// The room with all its members: those that are missing after a join are waited for.
    pub(crate) async fn whole(&self, view: RoomView) -> Result<RoomView> {
        Ok(self.rooms.whole(view, PATIENCE).await?)
    }

    /// The room as the user may read it: now for its members and where everybody may read, as it
    /// was at his leaving for who has left.
    pub(crate) async fn readable_view(&self, user: &UserId, room: &RoomId) -> Result<RoomView> {
        let view = self.rooms.view(room).await?.ok_or_else(stranger)?;
        if view.membership(user) == Some(Membership::Join)
            || view.history_visibility() == "world_readable"
        {
            return Ok(view);
        }
        match self.leave_of(user, room).await? {
            Some(leave) => Ok(self.rooms.view_at_pos(room, leave.pos).await?),
            None => Err(stranger()),
        }
    }

    /// Whether a user who is not in a room has been in it, as far as he remembers.
    pub(crate) async fn was_in(&self, user: &UserId, room: &RoomId) -> Result<bool> {
        Ok(self.leave_of(user, room).await?.is_some())
    }

    /// The events among these that the user may see.
    pub(crate) async fn visible(
        &self,
        user: &UserId,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        Ok(self.rooms.visible(user, room, events).await?)
    }

    /// An event that the user may see.
    pub(crate) async fn visible_event(
        &self,
        user: &UserId,
        room: &RoomId,
        event: &gantry_model::id::EventId,
    ) -> Result<RoomEvent> {
        let unknown = || Error::not_found("Event not found");
        let found = self.rooms.event(room, event).await?.ok_or_else(unknown)?;
        self.visible(user, room, vec![found])
            .await?
            .pop()
            .ok_or_else(unknown)
    }

    /// The event by which a user who is not in the room ceased to be: his leave, or the kick or
    /// ban. `None` if he never was, or has forgotten the room.
    async fn leave_of(&self, user: &UserId, room: &RoomId) -> Result<Option<RoomEvent>> {
        let row = self.rooms.membership_of(user, room).await?;
        let Some(row) = row.filter(|row| !row.forgotten) else {
            return Ok(None);
        };
        let mut id = row.event_id;
        for _ in 0..MAX_STEPS {
            let Some(event) = self.rooms.event(room, &id).await? else {
                return Ok(None);
            };
            let Some(before) = event.replaces.clone() else {
                return Ok(None);
            };
            if before.content_str("membership") == Some(Membership::Join.as_str()) {
                return Ok(Some(event));
            }
            before.event_id().clone_into(&mut id);
        }
        Ok(None)
    }
}

fn stranger() -> Error {
    Error::forbidden("You are not in this room")
}
