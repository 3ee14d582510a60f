//! Reads for the reader who serves many users at once and asks [`Feed::may_see`] for each.

use gantry_accounts::TypingChange;
use gantry_model::id::{EventId, RoomId, UserId};
use gantry_rooms::{RoomEvent, RoomView};

use crate::{Feed, Result, Unread};

/// The most relations that are read at once.
const MAX_RELATIONS: usize = 1_000;

impl Feed {
    /// An event of a room, whoever may see it.
    pub async fn event(&self, room: &RoomId, event: &EventId) -> Result<Option<RoomEvent>> {
        Ok(self.core.rooms.event(room, event).await?)
    }

    /// The newest events that relate to an event, oldest first, whoever may see them.
    pub async fn relations(&self, room: &RoomId, target: &EventId) -> Result<Vec<RoomEvent>> {
        let mut relations = self.core.rooms.relations(room, target).await?;
        let surplus = relations.len().saturating_sub(MAX_RELATIONS);
        relations.drain(..surplus);
        Ok(relations)
    }

    /// The room as it is now.
    pub async fn view(&self, room: &RoomId) -> Result<Option<RoomView>> {
        Ok(self.core.rooms.view(room).await?)
    }

    /// The rooms where somebody began or stopped typing after a serial.
    pub fn typing_since(&self, serial: u64) -> Vec<TypingChange> {
        self.core.accounts.typing_since(serial)
    }

    /// Ends the typing of those who said nothing for long, and tells so; returns when to ask again,
    /// in milliseconds since the Unix epoch, if somebody types.
    pub fn expire_typing(&self) -> Option<i64> {
        self.core.accounts.expire_typing()
    }

    /// What a local user has not read in a room.
    pub async fn unread(&self, user: &UserId, view: &RoomView) -> Result<Unread> {
        self.core.unread(user, view.room_id(), view).await
    }
}
