//! What a user has not read, by the user's push rules.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications>.

use std::collections::{BTreeMap, BTreeSet};

use gantry_accounts::Receipt;
use gantry_model::id::{EventId, OwnedEventId, RoomId, UserId};
use gantry_rooms::RoomView;

use crate::{Result, core::Core, notify::Notified, unread_window::Window};

/// What a user has not read in a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// Unread messages in no thread.
    pub notifications: u64,
    /// Those of them that address the user.
    pub highlights: u64,
    /// The same for threads that have any.
    pub threads: BTreeMap<OwnedEventId, ThreadUnread>,
}

/// What a user has not read in a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadUnread {
    /// Unread messages.
    pub notifications: u64,
    /// Those of them that address the user.
    pub highlights: u64,
}

impl Unread {
    /// The sums over the room and all its threads.
    pub fn total(&self) -> ThreadUnread {
        let main = ThreadUnread {
            notifications: self.notifications,
            highlights: self.highlights,
        };
        self.threads
            .values()
            .fold(main, |sum, thread| ThreadUnread {
                notifications: sum.notifications + thread.notifications,
                highlights: sum.highlights + thread.highlights,
            })
    }

    fn add(&mut self, thread: Option<&str>, highlight: bool) {
        let root = thread.and_then(|root| EventId::parse(root).ok());
        match root {
            None => {
                self.notifications += 1;
                self.highlights += u64::from(highlight);
            }
            Some(root) => {
                let unread = self.threads.entry(root).or_default();
                unread.notifications += 1;
                unread.highlights += u64::from(highlight);
            }
        }
    }
}

/// Up to where a user has read a room and its threads, as keys of the timeline.
#[derive(Debug, Default)]
struct ReadUpTo {
    room: Vec<u8>,
    main: Vec<u8>,
    threads: BTreeMap<String, Vec<u8>>,
}

impl ReadUpTo {
    fn includes(&self, thread: Option<&str>, key: &[u8]) -> bool {
        let place = match thread {
            None => Some(&self.main),
            Some(root) => self.threads.get(root),
        };
        self.room.as_slice() >= key || place.is_some_and(|place| place.as_slice() >= key)
    }
}

impl Core {
    /// What the user has not read in a room.
    pub(crate) async fn unread(
        &self,
        user: &UserId,
        room: &RoomId,
        view: &RoomView,
    ) -> Result<Unread> {
        let notified = self.notified(user).await?;
        self.unread_by(&notified, room, view).await
    }

    /// The same for a user whose rules are at hand.
    pub(crate) async fn unread_by(
        &self,
        notified: &Notified,
        room: &RoomId,
        view: &RoomView,
    ) -> Result<Unread> {
        let user = &*notified.user;
        let mut places = self.read_up_to(user, room, &[None, Some("main")]).await?;
        let mut read = ReadUpTo {
            main: places.pop().unwrap_or_default(),
            room: places.pop().unwrap_or_default(),
            threads: BTreeMap::new(),
        };
        let window = self.unread_window(notified, view, &read.room).await?;
        self.count(user, view, &window, &mut read).await
    }

    async fn count(
        &self,
        user: &UserId,
        view: &RoomView,
        window: &Window,
        read: &mut ReadUpTo,
    ) -> Result<Unread> {
        let (room, end) = (view.room_id(), view.end());
        let mut unread = Unread {
            notifications: window.older(&read.room),
            ..Unread::default()
        };
        let events = || window.events().filter(|one| one.key < end);
        let threads: BTreeSet<&str> = events().filter_map(|one| one.thread.as_deref()).collect();
        if !threads.is_empty() {
            let roots: Vec<_> = threads.iter().copied().map(Some).collect();
            let places = self.read_up_to(user, room, &roots).await?;
            let threads = threads.into_iter().map(str::to_owned);
            read.threads = threads.zip(places).collect();
        }
        for one in events() {
            let thread = one.thread.as_deref();
            if !read.includes(thread, one.key.as_bytes()) {
                unread.add(thread, one.highlight);
            }
        }
        Ok(unread)
    }

    /// For each of these threads (`None`: the whole room) the farthest of the user's public and
    /// private receipts, empty if there is none: one read for all.
    pub(crate) async fn read_up_to(
        &self,
        user: &UserId,
        room: &RoomId,
        threads: &[Option<&str>],
    ) -> Result<Vec<Vec<u8>>> {
        let farthest = self.accounts.farthest(user, room, threads).await?;
        let key = |receipt: Option<Receipt>| receipt.map(|one| one.key).unwrap_or_default();
        Ok(farthest.into_iter().map(key).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_read_by_its_own_receipt_or_the_rooms() {
        let read = ReadUpTo {
            room: vec![1],
            main: vec![5],
            threads: [("$root".to_owned(), vec![3])].into(),
        };

        assert!(read.includes(None, &[5]));
        assert!(!read.includes(None, &[6]));
        assert!(read.includes(Some("$root"), &[3]));
        assert!(!read.includes(Some("$root"), &[4]));
        assert!(read.includes(Some("$other"), &[1]));
        assert!(!read.includes(Some("$other"), &[2]));
    }

    #[test]
    fn threads_are_counted_by_themselves_and_in_the_total() {
        let mut unread = Unread::default();

        unread.add(None, false);
        unread.add(Some("$root"), true);
        unread.add(Some("$root"), false);

        assert_eq!((unread.notifications, unread.highlights), (1, 0));
        assert_eq!(
            unread.total(),
            ThreadUnread {
                notifications: 3,
                highlights: 1
            }
        );
    }
}
