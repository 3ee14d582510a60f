//! Taking a room away.

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind,
    id::{OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId},
};

use super::Task;
use crate::{Administration, Error, Result, administration::require_admin};

/// A removal of a room, past or present.
pub type Deletion = Task<Shutdown>;

/// How a room is to go.
#[derive(Debug, Clone, Default)]
pub struct DeleteWish {
    /// Whether nobody of this server may enter it again.
    pub block: bool,
    /// Whether what happened in it goes too; else everybody only leaves it.
    pub purge: bool,
    /// Where our users go instead, if they are to go anywhere.
    pub replacement: Option<Replacement>,
}

/// A room that our users of a removed one are brought to.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Who makes it, a user of ours.
    pub creator: OwnedUserId,
    /// Its name.
    pub name: Option<String>,
    /// What its creator says in it.
    pub message: Option<String>,
}

/// What became of a removed room.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// Our users who left.
    pub kicked: Vec<OwnedUserId>,
    /// Our users who could not leave, or not enter the new room.
    pub failed: Vec<OwnedUserId>,
    /// The room's aliases here.
    pub aliases: Vec<OwnedRoomAliasId>,
    /// The room that was made instead.
    pub new_room: Option<OwnedRoomId>,
}

impl Administration {
    /// Begins to take a room away; the removal's id.
    pub async fn delete_room(
        &self,
        session: &Session,
        room: &RoomId,
        wish: DeleteWish,
    ) -> Result<String> {
        let deletion = self.begin_deletion(session, room, &wish).await?;
        let (acts, room, id) = (self.clone(), room.to_owned(), deletion.clone());
        let session = session.clone();
        self.core
            .tracker
            .spawn(async move { acts.finish_deletion(&session, &room, &id, wish).await });
        Ok(deletion)
    }

    /// Takes a room away, and tells what became of it.
    pub async fn delete_room_now(
        &self,
        session: &Session,
        room: &RoomId,
        wish: DeleteWish,
    ) -> Result<Shutdown> {
        let id = self.begin_deletion(session, room, &wish).await?;
        self.finish_deletion(session, room, &id, wish).await;
        let deletion = self.deletion(session, &id)?;
        match deletion.error {
            None => Ok(deletion.result),
            Some(reason) => Err(Error::refused(ErrorKind::Internal, reason)),
        }
    }

    /// A removal of a room.
    pub fn deletion(&self, session: &Session, id: &str) -> Result<Deletion> {
        require_admin(session)?;
        self.core.admin_tasks.deletions.find(id)
    }

    /// The removals of a room.
    pub fn deletions(&self, session: &Session, room: &RoomId) -> Result<Vec<Deletion>> {
        require_admin(session)?;
        let found = self.core.admin_tasks.deletions.of_room(room);
        if found.is_empty() {
            return Err(Error::not_found("This room was not removed"));
        }
        Ok(found)
    }

    async fn begin_deletion(
        &self,
        session: &Session,
        room: &RoomId,
        wish: &DeleteWish,
    ) -> Result<String> {
        require_admin(session)?;
        if self.core.rooms.view(room).await?.is_none() && !wish.block {
            return Err(Error::not_found("Room not found"));
        }
        if let Some(replacement) = &wish.replacement {
            self.account(&replacement.creator).await?;
        }
        let deletions = &self.core.admin_tasks.deletions;
        deletions.begin(room, self.core.rng.as_ref())
    }

    async fn finish_deletion(&self, session: &Session, room: &RoomId, id: &str, wish: DeleteWish) {
        let mut shutdown = Shutdown::default();
        let done = self.shut_down(session, room, wish, &mut shutdown).await;
        let deletions = &self.core.admin_tasks.deletions;
        deletions.end(id, done.as_ref().err(), shutdown);
    }

    async fn shut_down(
        &self,
        session: &Session,
        room: &RoomId,
        wish: DeleteWish,
        shutdown: &mut Shutdown,
    ) -> Result<()> {
        let rooms = &self.core.rooms;
        if wish.block {
            rooms.block(room, Some(&session.user_id)).await?;
        }
        let Some(view) = rooms.view(room).await? else {
            return Ok(());
        };
        shutdown.aliases = rooms.aliases_of(room).await?;
        if let Some(replacement) = &wish.replacement {
            shutdown.new_room = Some(self.make_replacement(replacement).await?);
        }
        let ours = view.joined().into_iter();
        let ours: Vec<_> = ours.filter(|user| self.core.is_local(user)).collect();
        rooms.everybody_leaves(room).await?;
        let view = rooms.get(room).await?;
        for user in ours {
            let is_inside = view.membership(&user) == Some(gantry_rooms::Membership::Join);
            let is_moved = match &shutdown.new_room {
                Some(new) if !is_inside => {
                    self.core.join(&user, new, Vec::new(), None).await.is_ok()
                }
                _ => true,
            };
            match !is_inside && is_moved {
                true => shutdown.kicked.push(user),
                false => shutdown.failed.push(user),
            }
        }
        rooms.unpublish(room).await?;
        for alias in &shutdown.aliases {
            rooms.remove_alias(alias).await?;
            if let (Some(new), Some(replacement)) = (&shutdown.new_room, &wish.replacement) {
                rooms.set_alias(alias, new, &replacement.creator).await?;
            }
        }
        if wish.purge {
            rooms.delete(room, false).await?;
        }
        Ok(())
    }
}
