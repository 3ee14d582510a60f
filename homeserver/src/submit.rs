//! Events of local users on their way into the log.

use std::sync::Arc;

use gantry_model::id::RoomId;
use gantry_rooms::{NewEvent, RoomView, Submitted};

use crate::{Result, core::Core};

impl Core {
    /// Makes an event of a local user true, as [`Core::submit_in`].
    pub(crate) async fn submit(&self, room: &RoomId, event: NewEvent) -> Result<Submitted> {
        match self.rooms.view(room).await? {
            Some(view) => self.submit_in(&view, event).await,
            None => Ok(self.rooms.submit(room, event).await?),
        }
    }

    /// Makes an event of a local user true in the room of a view that is at hand. In a room with a
    /// policy server that server signs it first, and if it does not, nothing is sent.
    pub(crate) async fn submit_in(&self, view: &RoomView, event: NewEvent) -> Result<Submitted> {
        let (room, state_key) = (view.room_id(), event.state_key.as_deref());
        if !self
            .federation
            .needs_recommendation(view, &event.kind, state_key)
        {
            return Ok(self.rooms.submit(room, event).await?);
        }
        let draft = self.rooms.draft(room, event.clone()).await?;
        let signed = self.federation.recommend(view, draft).await?;
        let drafted = NewEvent {
            drafted: Some(Arc::new(signed)),
            ..event
        };
        Ok(self.rooms.submit(room, drafted).await?)
    }
}
