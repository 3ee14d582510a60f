//! Events of local users on their way into the log.

use std::sync::Arc;

use gantry_model::id::RoomId;
use gantry_rooms::{NewEvent, Submitted};

use crate::{Result, core::Core};

impl Core {
    /// Makes an event of a local user true. In a room with a policy server that server signs it
    /// first, and if it does not, nothing is sent.
    pub(crate) async fn submit(&self, room: &RoomId, event: NewEvent) -> Result<Submitted> {
        let state_key = event.state_key.as_deref();
        let view = self.rooms.view(room).await?;
        let view = view.filter(|view| {
            let federation = &self.federation;
            federation.needs_recommendation(view, &event.kind, state_key)
        });
        let Some(view) = view else {
            return Ok(self.rooms.submit(room, event).await?);
        };
        let draft = self.rooms.draft(room, event.clone()).await?;
        let signed = self.federation.recommend(&view, draft).await?;
        let drafted = NewEvent {
            drafted: Some(Arc::new(signed)),
            ..event
        };
        Ok(self.rooms.submit(room, drafted).await?)
    }
}
