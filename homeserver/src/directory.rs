//! Which rooms the public directory shows. The list itself: `public_rooms.rs`; aliases: `alias.rs`.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::id::RoomId;

use crate::{Error, Result, Visibility, alias::may_name, core::Core};

/// Aliases and public rooms.
#[derive(Clone)]
pub struct Directory {
    pub(crate) core: Arc<Core>,
}

impl Directory {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Whether the public directory shows a room.
    pub async fn visibility(&self, room: &RoomId) -> Result<Visibility> {
        if self.core.rooms.view(room).await?.is_none() {
            return Err(Error::not_found("Unknown room"));
        }
        if self.core.rooms.is_published(room).await? {
            Ok(Visibility::Public)
        } else {
            Ok(Visibility::Private)
        }
    }

    /// Shows or hides a room: who may set its canonical alias may, and an administrator.
    pub async fn set_visibility(
        &self,
        session: &Session,
        room: &RoomId,
        visibility: Visibility,
    ) -> Result<()> {
        let unknown = || Error::not_found("Unknown room");
        let view = self.core.rooms.view(room).await?.ok_or_else(unknown)?;
        if !session.admin && !may_name(session, &view) {
            return Err(Error::forbidden(
                "You may not change the room's entry in the directory",
            ));
        }
        match visibility {
            Visibility::Public => self.core.rooms.publish(room).await?,
            Visibility::Private => self.core.rooms.unpublish(room).await?,
        }
        Ok(())
    }
}
