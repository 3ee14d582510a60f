//! What administrators start with rooms and look at later: taking old messages away, and taking
//! whole rooms away.
//!
//! The forms are those of
//! <https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html> and
//! <https://element-hq.github.io/synapse/latest/admin_api/rooms.html#delete-room-api>.

use std::collections::VecDeque;

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind,
    hash::hex,
    id::{OwnedEventId, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId},
};
use parking_lot::Mutex;

use crate::{Administration, Error, Result, administration::require_admin};

/// The most tasks that are remembered; the oldest that have ended are forgotten first.
const MAX_KEPT: usize = 1_000;

/// How far a task has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStatus {
    /// It is at work.
    Active,
    /// It is done.
    Complete,
    /// It broke off.
    Failed,
}

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

/// A removal of a room, past or present.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// Its id.
    pub id: String,
    /// The room.
    pub room: OwnedRoomId,
    /// How far it has come.
    pub status: TaskStatus,
    /// Why it broke off.
    pub error: Option<String>,
    /// What became of the room so far.
    pub shutdown: Shutdown,
}

/// A purge, past or present.
#[derive(Debug, Clone)]
struct Purge {
    id: String,
    room: OwnedRoomId,
    status: TaskStatus,
    error: Option<String>,
}

/// The tasks of this process. Held for look-ups and changes, never across an await.
#[derive(Default)]
pub(crate) struct AdminTasks {
    purges: Mutex<VecDeque<Purge>>,
    deletions: Mutex<VecDeque<Deletion>>,
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
        let id = self.new_task_id();
        {
            let mut purges = self.core.admin_tasks.purges.lock();
            let is_active = |purge: &Purge| purge.status == TaskStatus::Active;
            if purges
                .iter()
                .any(|purge| is_active(purge) && purge.room == room)
            {
                let reason = "A purge of this room is under way";
                return Err(Error::refused(ErrorKind::WrongState, reason));
            }
            make_place(&mut purges, is_active);
            purges.push_back(Purge {
                id: id.clone(),
                room: room.to_owned(),
                status: TaskStatus::Active,
                error: None,
            });
        }
        let (core, room, purge_id) = (self.core.clone(), room.to_owned(), id.clone());
        self.core.tracker.spawn(async move {
            let done = match wish.with_local {
                true => core.rooms.purge_history(&room, before_ms).await,
                false => core.rooms.purge_remote_history(&room, before_ms).await,
            };
            let mut purges = core.admin_tasks.purges.lock();
            if let Some(purge) = purges.iter_mut().find(|purge| purge.id == purge_id) {
                (purge.status, purge.error) = outcome(done.map_err(Error::from).err().as_ref());
            }
        });
        Ok(id)
    }

    /// How far a purge has come, and why it broke off.
    pub fn purge_status(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<(TaskStatus, Option<String>)> {
        require_admin(session)?;
        let purges = self.core.admin_tasks.purges.lock();
        let found = purges.iter().find(|purge| purge.id == id);
        let unknown = || Error::not_found("No such purge");
        found
            .map(|purge| (purge.status, purge.error.clone()))
            .ok_or_else(unknown)
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
            None => Ok(deletion.shutdown),
            Some(reason) => Err(Error::refused(ErrorKind::Internal, reason)),
        }
    }

    /// A removal of a room.
    pub fn deletion(&self, session: &Session, id: &str) -> Result<Deletion> {
        require_admin(session)?;
        let deletions = self.core.admin_tasks.deletions.lock();
        let found = deletions.iter().find(|deletion| deletion.id == id);
        found
            .cloned()
            .ok_or_else(|| Error::not_found("No such removal of a room"))
    }

    /// The removals of a room.
    pub fn deletions(&self, session: &Session, room: &RoomId) -> Result<Vec<Deletion>> {
        require_admin(session)?;
        let deletions = self.core.admin_tasks.deletions.lock();
        let of_room = deletions.iter().filter(|deletion| deletion.room == room);
        let found: Vec<Deletion> = of_room.cloned().collect();
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
        let id = self.new_task_id();
        let mut deletions = self.core.admin_tasks.deletions.lock();
        let is_active = |deletion: &Deletion| deletion.status == TaskStatus::Active;
        if deletions
            .iter()
            .any(|one| is_active(one) && one.room == room)
        {
            let reason = "This room is being removed";
            return Err(Error::refused(ErrorKind::WrongState, reason));
        }
        make_place(&mut deletions, is_active);
        deletions.push_back(Deletion {
            id: id.clone(),
            room: room.to_owned(),
            status: TaskStatus::Active,
            error: None,
            shutdown: Shutdown::default(),
        });
        Ok(id)
    }

    async fn finish_deletion(&self, session: &Session, room: &RoomId, id: &str, wish: DeleteWish) {
        let mut shutdown = Shutdown::default();
        let done = self.shut_down(session, room, wish, &mut shutdown).await;
        let mut deletions = self.core.admin_tasks.deletions.lock();
        if let Some(deletion) = deletions.iter_mut().find(|deletion| deletion.id == id) {
            (deletion.status, deletion.error) = outcome(done.as_ref().err());
            deletion.shutdown = shutdown;
        }
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

    fn new_task_id(&self) -> String {
        let random = [self.core.rng.next_u64(), self.core.rng.next_u64()];
        hex(&random.map(u64::to_be_bytes).concat())
    }
}

fn outcome(error: Option<&Error>) -> (TaskStatus, Option<String>) {
    match error {
        None => (TaskStatus::Complete, None),
        Some(error) => (TaskStatus::Failed, Some(error.public_message())),
    }
}

/// Forgets tasks that have ended until there is place for another one.
fn make_place<T>(tasks: &mut VecDeque<T>, is_active: impl Fn(&T) -> bool) {
    while tasks.len() >= MAX_KEPT {
        let oldest = tasks.iter().position(|task| !is_active(task));
        let Some(oldest) = oldest else { return };
        tasks.remove(oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_task_that_has_ended_makes_place() {
        let mut tasks: VecDeque<usize> = (0..MAX_KEPT).collect();

        make_place(&mut tasks, |task| *task == 0);

        assert_eq!(tasks.len(), MAX_KEPT - 1);
        assert_eq!((tasks[0], tasks[1]), (0, 2));
    }
}
