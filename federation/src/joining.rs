//! Rooms that are just being joined: what other servers send meanwhile waits for the join.

use std::{collections::HashMap, time::Duration};

use gantry_model::id::{OwnedRoomId, RoomId};
use parking_lot::Mutex;
use tokio::sync::watch;

/// How long an event waits for the join of its room.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The rooms that are just being joined.
#[derive(Debug, Default)]
pub(crate) struct Joining(Mutex<HashMap<OwnedRoomId, (usize, watch::Sender<()>)>>);

/// A join under way; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct JoinUnderWay<'a> {
    joining: &'a Joining,
    room: OwnedRoomId,
}

impl Joining {
    /// Notes that a room is being joined.
    pub(crate) fn begin(&self, room: &RoomId) -> JoinUnderWay<'_> {
        let mut rooms = self.0.lock();
        rooms
            .entry(room.to_owned())
            .or_insert_with(|| (0, watch::Sender::new(())))
            .0 += 1;
        JoinUnderWay {
            joining: self,
            room: room.to_owned(),
        }
    }

    /// The same, unless the room is being joined already.
    pub(crate) fn begin_alone(&self, room: &RoomId) -> Option<JoinUnderWay<'_>> {
        let mut rooms = self.0.lock();
        if rooms.contains_key(room) {
            return None;
        }
        rooms.insert(room.to_owned(), (1, watch::Sender::new(())));
        Some(JoinUnderWay {
            joining: self,
            room: room.to_owned(),
        })
    }

    /// Waits while the room is being joined, but not for ever. Whether it was.
    pub(crate) async fn wait(&self, room: &RoomId) -> bool {
        let Some(mut end) = self
            .0
            .lock()
            .get(room)
            .map(|(_, sender)| sender.subscribe())
        else {
            return false;
        };
        // The sender is dropped when the join ends; nothing is ever sent.
        tokio::time::timeout(LONGEST_WAIT, end.changed())
            .await
            .is_ok()
    }
}

impl Drop for JoinUnderWay<'_> {
    fn drop(&mut self) {
        let mut rooms = self.joining.0.lock();
        if let Some((count, _)) = rooms.get_mut(&self.room) {
            *count -= 1;
            if *count == 0 {
                rooms.remove(&self.room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_goes_on_when_the_last_join_ends() {
        let joining = Joining::default();
        let room = RoomId::parse("!a:b.c").unwrap();

        assert!(!joining.wait(&room).await);
        let (first, second) = (joining.begin(&room), joining.begin(&room));
        let wait = joining.wait(&room);
        let end = async {
            drop(first);
            drop(second);
        };
        let (waited, ()) = tokio::join!(wait, end);

        assert!(waited);
        assert!(!joining.wait(&room).await);
    }

    #[test]
    fn a_room_that_is_being_joined_is_left_alone() {
        let joining = Joining::default();
        let room = RoomId::parse("!a:b.c").unwrap();

        let first = joining.begin(&room);
        assert!(joining.begin_alone(&room).is_none());
        drop(first);

        assert!(joining.begin_alone(&room).is_some());
        assert!(joining.begin_alone(&room).is_some());
    }
}
