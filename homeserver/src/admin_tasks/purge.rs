//! Taking old messages of a room away.

use gantry_accounts::Session;
use gantry_model::id::{OwnedEventId, RoomId};

use super::Task;
use crate::{Administration, Error, Result, administration::require_admin};

/// A purge, past or present.
pub type Purge = Task<()>;

/// Which messages are to go.
#[derive(Debug, Clone)]
pub struct PurgeWish {
    /// Those from before this event.
    pub before_event: Option<OwnedEventId>,
    /// Those from before this time, in milliseconds.
    pub before_ms: Option<i64>,
    /// Whether messages of our own users go as well, of which nobody else may have a copy.
    pub with_local: bool,
}

impl Administration {
    /// Begins to take messages of a room away; the purge's id.
    pub async fn purge_history(
        &self,
        session: &Session,
        room: &RoomId,
        wish: PurgeWish,
    ) -> Result<String> {
        require_admin(session)?;
        let before_ms = self.purge_point(room, &wish).await?;
        let purges = &self.core.admin_tasks.purges;
        let id = purges.begin(room, self.core.rng.as_ref())?;
        let (core, room, purge_id) = (self.core.clone(), room.to_owned(), id.clone());
        self.core.tracker.spawn(async move {
            let done = match wish.with_local {
                true => core.rooms.purge_history(&room, before_ms).await,
                false => core.rooms.purge_remote_history(&room, before_ms).await,
            };
            let error = done.map_err(Error::from).err();
            core.admin_tasks.purges.end(&purge_id, error.as_ref(), ());
        });
        Ok(id)
    }

    /// A purge.
    pub fn purge(&self, session: &Session, id: &str) -> Result<Purge> {
        require_admin(session)?;
        self.core.admin_tasks.purges.find(id)
    }

    /// The time before which messages go.
    async fn purge_point(&self, room: &RoomId, wish: &PurgeWish) -> Result<i64> {
        self.view_of(room).await?;
        match (&wish.before_event, wish.before_ms) {
            (Some(event), _) => {
                let found = self.core.rooms.event(room, event).await?;
                let unknown = || Error::not_found("The event was not found in this room");
                Ok(found.ok_or_else(unknown)?.pdu.origin_server_ts())
            }
            (None, Some(before_ms)) => Ok(before_ms),
            (None, None) => Err(Error::bad_json(
                "purge_up_to_event_id or purge_up_to_ts is needed",
            )),
        }
    }
}
