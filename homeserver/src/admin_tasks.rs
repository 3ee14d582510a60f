//! What administrators start with rooms and look at later: taking old messages away, and taking
//! whole rooms away.
//!
//! The forms are those of
//! <https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html> and
//! <https://element-hq.github.io/synapse/latest/admin_api/rooms.html#delete-room-api>.

mod deletion;
mod purge;

use std::collections::VecDeque;

use gantry_model::{
    ErrorKind, Rng,
    hash::hex,
    id::{OwnedRoomId, RoomId},
};
use parking_lot::Mutex;

pub use self::{
    deletion::{DeleteWish, Deletion, Replacement, Shutdown},
    purge::{Purge, PurgeWish},
};
use crate::{Error, Result};

/// The most tasks of a kind that are remembered; the oldest that have ended are forgotten first.
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

/// Something that is done to a room, past or present.
#[derive(Debug, Clone)]
pub struct Task<T> {
    /// Its id.
    pub id: String,
    /// The room.
    pub room: OwnedRoomId,
    /// How far it has come.
    pub status: TaskStatus,
    /// Why it broke off.
    pub error: Option<String>,
    /// What came of it so far.
    pub result: T,
}

/// The tasks of this process.
#[derive(Default)]
pub(crate) struct AdminTasks {
    purges: Tasks<()>,
    deletions: Tasks<Shutdown>,
}

/// The tasks of one kind, oldest first. Held for look-ups and changes, never across an await.
#[derive(Default)]
struct Tasks<T>(Mutex<VecDeque<Task<T>>>);

impl<T: Default + Clone> Tasks<T> {
    /// Notes a task that begins, and returns its id. A room has one at a time.
    fn begin(&self, room: &RoomId, rng: &dyn Rng) -> Result<String> {
        let mut tasks = self.0.lock();
        let is_active = |task: &Task<T>| task.status == TaskStatus::Active;
        if tasks
            .iter()
            .any(|task| is_active(task) && task.room == room)
        {
            let reason = "This is being done to the room already";
            return Err(Error::refused(ErrorKind::WrongState, reason));
        }
        while tasks.len() >= MAX_KEPT {
            let Some(oldest) = tasks.iter().position(|task| !is_active(task)) else {
                break;
            };
            tasks.remove(oldest);
        }
        let random = [rng.next_u64(), rng.next_u64()];
        let id = hex(&random.map(u64::to_be_bytes).concat());
        tasks.push_back(Task {
            id: id.clone(),
            room: room.to_owned(),
            status: TaskStatus::Active,
            error: None,
            result: T::default(),
        });
        Ok(id)
    }

    /// Notes how a task has ended.
    fn end(&self, id: &str, error: Option<&Error>, result: T) {
        if let Some(task) = self.0.lock().iter_mut().find(|task| task.id == id) {
            task.status = match error {
                None => TaskStatus::Complete,
                Some(_) => TaskStatus::Failed,
            };
            task.error = error.map(Error::public_message);
            task.result = result;
        }
    }

    fn find(&self, id: &str) -> Result<Task<T>> {
        let tasks = self.0.lock();
        let found = tasks.iter().find(|task| task.id == id);
        found
            .cloned()
            .ok_or_else(|| Error::not_found("No such task"))
    }

    fn of_room(&self, room: &RoomId) -> Vec<Task<T>> {
        let tasks = self.0.lock();
        let of_room = tasks.iter().filter(|task| task.room == room);
        of_room.cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::SeededRng;

    use super::*;

    #[test]
    fn the_oldest_task_that_has_ended_makes_place() {
        let (tasks, rng) = (Tasks::<()>::default(), SeededRng::new(1));
        let begin = |number: usize| {
            let room = RoomId::parse(format!("!{number}:a.b")).unwrap();
            tasks.begin(&room, &rng)
        };
        let ids: Vec<String> = (0..MAX_KEPT).map(|number| begin(number).unwrap()).collect();
        assert!(begin(0).is_err(), "one at a time");
        tasks.end(&ids[1], None, ());

        let last = begin(MAX_KEPT).unwrap();

        assert!(tasks.find(&ids[0]).is_ok() && tasks.find(&ids[1]).is_err());
        assert_eq!(tasks.find(&last).unwrap().status, TaskStatus::Active);
        assert_eq!(tasks.0.lock().len(), MAX_KEPT);
    }
}
