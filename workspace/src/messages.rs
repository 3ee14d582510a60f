//! Finding messages by their Rocket.Chat ids.

use gantry_rooms::RoomEvent;

use crate::{Result, Workspace, message_id};

impl Workspace {
    /// The event of a message id, of whatever room. Who asks must be allowed to see it: the caller
    /// checks.
    pub async fn find_message(&self, id: &str) -> Result<Option<RoomEvent>> {
        match message_id::hash_prefix(id) {
            Some(prefix) => Ok(self.inner.rooms.find_by_hash_prefix(prefix).await?),
            None if message_id::may_choose(id) => Ok(self.inner.rooms.find_by_rc(id).await?),
            None => Ok(None),
        }
    }
}
