//! Who is typing, in memory.

use std::collections::{BTreeMap, HashMap};

use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::Accounts;
use crate::node_news::NodeNews;
use crate::serial::next_serial;

/// The longest that somebody types without saying so again, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 120_000;

/// Rooms remembered; beyond them the quiet ones are forgotten, then the oldest.
const MAX_ROOMS: usize = 10_000;

/// People typing in one room that are remembered.
const MAX_USERS: usize = 1_000;

/// Who types in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypingChange {
    /// The room.
    pub room: OwnedRoomId,
    /// The number of its last change.
    pub serial: u64,
    /// Who types now; nobody, if all stopped.
    pub users: Vec<OwnedUserId>,
}

/// Everybody who types.
pub(crate) struct Typing {
    inner: Mutex<Inner>,
    serial: watch::Sender<u64>,
}

struct Inner {
    serial: u64,
    rooms: HashMap<OwnedRoomId, Room>,
}

struct Room {
    serial: u64,
    /// Until when each types, in milliseconds since the Unix epoch.
    until: BTreeMap<OwnedUserId, i64>,
}

impl Typing {
    /// Begins to number at a time, so that numbers grow over restarts.
    pub(crate) fn new(now: i64) -> Self {
        let serial = u64::try_from(now).unwrap_or(0);
        let inner = Mutex::new(Inner {
            serial,
            rooms: HashMap::new(),
        });
        Self {
            inner,
            serial: watch::Sender::new(serial),
        }
    }

    fn publish(&self, inner: &Inner) {
        self.serial.send_if_modified(|serial| {
            let moved = *serial != inner.serial;
            *serial = inner.serial;
            moved
        });
    }
}

impl Inner {
    fn set(&mut self, room: &RoomId, user: &UserId, until: Option<i64>, now: i64) -> bool {
        let before = self
            .rooms
            .get(room)
            .is_some_and(|room| room.until.contains_key(user));
        if !before && until.is_none() {
            return false;
        }
        if !self.rooms.contains_key(room) {
            self.make_place();
        }
        let serial = next_serial(self.serial, now);
        let entry = self.rooms.entry(room.to_owned()).or_insert_with(|| Room {
            serial,
            until: BTreeMap::new(),
        });
        match until {
            Some(until) if before || entry.until.len() < MAX_USERS => {
                entry.until.insert(user.to_owned(), until);
            }
            Some(_) => return false,
            None => {
                entry.until.remove(user);
            }
        }
        let changed = before != until.is_some();
        if changed {
            entry.serial = serial;
            self.serial = serial;
        }
        changed
    }

    fn make_place(&mut self) {
        if self.rooms.len() < MAX_ROOMS {
            return;
        }
        self.rooms.retain(|_, room| !room.until.is_empty());
        while self.rooms.len() >= MAX_ROOMS {
            let oldest = self.rooms.iter().min_by_key(|(_, room)| room.serial);
            let Some(oldest) = oldest.map(|(room, _)| room.clone()) else {
                return;
            };
            self.rooms.remove(&oldest);
        }
    }

    /// Ends what has expired; returns when the next will.
    fn expire(&mut self, now: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        for room in self.rooms.values_mut() {
            let before = room.until.len();
            room.until.retain(|_, until| *until > now);
            if room.until.len() != before {
                self.serial = next_serial(self.serial, now);
                room.serial = self.serial;
            }
            let first = room.until.values().min().copied();
            next = next.into_iter().chain(first).min();
        }
        next
    }
}

impl Accounts {
    /// Somebody types in a room for at most `timeout_ms`, or (`None`) stopped. Also for users of
    /// other servers. True: it was not so before.
    pub fn set_typing(&self, room: &RoomId, user: &UserId, timeout_ms: Option<u64>) -> bool {
        let now = self.inner.clock.now_ms();
        let until = timeout_ms.map(|timeout| now + timeout.min(MAX_TIMEOUT_MS) as i64);
        self.tell_nodes(|| NodeNews::Typing {
            room: room.to_owned(),
            user: user.to_owned(),
            until,
        });
        self.note_typing(room, user, until)
    }

    /// The same as another node has it; `until` in milliseconds since the Unix epoch.
    pub(crate) fn note_typing(&self, room: &RoomId, user: &UserId, until: Option<i64>) -> bool {
        let now = self.inner.clock.now_ms();
        let mut inner = self.inner.typing.inner.lock();
        inner.expire(now);
        let changed = inner.set(room, user, until, now);
        self.inner.typing.publish(&inner);
        changed
    }

    /// Who types in a room, and the number of the last change there.
    pub fn typing(&self, room: &RoomId) -> (u64, Vec<OwnedUserId>) {
        self.expire_typing();
        let inner = self.inner.typing.inner.lock();
        match inner.rooms.get(room) {
            Some(room) => (room.serial, room.until.keys().cloned().collect()),
            None => (0, Vec::new()),
        }
    }

    /// The number of the last change anywhere.
    pub fn typing_serial(&self) -> u64 {
        self.expire_typing();
        self.inner.typing.inner.lock().serial
    }

    /// The rooms where somebody began or stopped after a number.
    pub fn typing_since(&self, serial: u64) -> Vec<TypingChange> {
        self.expire_typing();
        let inner = self.inner.typing.inner.lock();
        let changed = inner.rooms.iter().filter(|(_, room)| room.serial > serial);
        changed
            .map(|(id, room)| TypingChange {
                room: id.clone(),
                serial: room.serial,
                users: room.until.keys().cloned().collect(),
            })
            .collect()
    }

    /// Tells the number of the last change whenever somebody begins or stops. That somebody's time
    /// is over is told by the next call of [`Accounts::expire_typing`].
    pub fn subscribe_typing(&self) -> watch::Receiver<u64> {
        self.inner.typing.serial.subscribe()
    }

    /// Ends what has expired and tells so; returns when it should be called again, in milliseconds
    /// since the Unix epoch, if somebody types.
    pub fn expire_typing(&self) -> Option<i64> {
        let mut inner = self.inner.typing.inner.lock();
        let next = inner.expire(self.inner.clock.now_ms());
        self.inner.typing.publish(&inner);
        next
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{accounts_with_clock, room, user};

    #[tokio::test]
    async fn typing_begins_ends_and_expires() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let (here, alice, bob) = (room("here"), user("alice"), user("bob"));
        let start = accounts.typing_serial();
        let told = accounts.subscribe_typing();

        assert!(accounts.set_typing(&here, &alice, Some(30_000)));
        assert!(!accounts.set_typing(&here, &alice, Some(30_000)));
        assert!(accounts.set_typing(&here, &bob, Some(10_000)));
        assert!(!accounts.set_typing(&room("there"), &bob, None));

        assert_eq!(accounts.typing(&here).1, [alice.clone(), bob.clone()]);
        assert!(told.has_changed().unwrap());
        let before = accounts.typing_serial();
        assert_eq!(accounts.typing_since(start).len(), 1);
        assert!(accounts.typing_since(before).is_empty());
        assert_eq!(accounts.expire_typing(), Some(clock.now() + 10_000));

        clock.advance(10_001);

        let change = accounts.typing_since(before).pop().unwrap();
        assert_eq!(change.users, std::slice::from_ref(&alice));
        assert!(accounts.set_typing(&here, &alice, None));
        assert!(accounts.typing(&here).1.is_empty());
        assert_eq!(accounts.expire_typing(), None);
    }

    #[tokio::test]
    async fn rooms_are_forgotten_before_memory_grows() {
        let (accounts, _, _dir) = accounts_with_clock().await;
        let alice = user("alice");

        for n in 0..super::MAX_ROOMS + 5 {
            accounts.set_typing(&room(&n.to_string()), &alice, Some(1_000));
            accounts.set_typing(&room(&n.to_string()), &alice, None);
        }

        assert!(accounts.inner.typing.inner.lock().rooms.len() <= super::MAX_ROOMS);
    }
}
