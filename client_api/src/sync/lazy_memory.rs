//! Which members a device was told of, so that it is not told again.
//!
//! What was sent counts as known only when the device comes back with the token that was sent
//! along: an answer that got lost is given again in full.

use std::{collections::HashMap, sync::Arc};

use gantry_homeserver::Session;
use gantry_model::id::{OwnedEventId, OwnedRoomId, OwnedUserId};
use parking_lot::Mutex;

/// Devices remembered; beyond them the one that was quiet longest is forgotten.
const MAX_DEVICES: usize = 2_000;
/// Members remembered for a device; beyond them all of it is forgotten.
const MAX_MEMBERS: usize = 20_000;

/// Member events by room and user.
pub(crate) type Members = HashMap<(OwnedRoomId, String), OwnedEventId>;

/// What devices were told.
#[derive(Debug, Default)]
pub(crate) struct LazyMemory(Mutex<Devices>);

#[derive(Debug, Default)]
struct Devices {
    clock: u64,
    by_device: HashMap<(OwnedUserId, String), Device>,
}

#[derive(Debug, Default)]
struct Device {
    used: u64,
    /// The token for which `known` holds; empty: the beginning.
    token: String,
    known: Arc<Members>,
    /// What was sent since, and the token with which the device would say that it arrived.
    sent: Option<(String, Members)>,
}

impl LazyMemory {
    /// What the device knows when it comes with a token; an empty one: nothing.
    pub(crate) fn known(&self, session: &Session, since: &str) -> Arc<Members> {
        let mut devices = self.0.lock();
        devices.clock += 1;
        let used = devices.clock;
        devices.make_place();
        let device = devices.by_device.entry(key(session)).or_default();
        device.used = used;
        match device.sent.take() {
            Some((next, members)) if next == since && !since.is_empty() => {
                let known = Arc::make_mut(&mut device.known);
                known.extend(members);
                if known.len() > MAX_MEMBERS {
                    known.clear();
                }
                since.clone_into(&mut device.token);
            }
            _ if !since.is_empty() && device.token == since => {}
            _ => {
                device.known = Arc::default();
                since.clone_into(&mut device.token);
            }
        }
        Arc::clone(&device.known)
    }

    /// What an answer told the device.
    pub(crate) fn sent(&self, session: &Session, since: &str, next: &str, members: Members) {
        if next == since {
            return;
        }
        let mut devices = self.0.lock();
        if let Some(device) = devices.by_device.get_mut(&key(session))
            && device.token == since
        {
            device.sent = Some((next.to_owned(), members));
        }
    }
}

impl Devices {
    fn make_place(&mut self) {
        if self.by_device.len() < MAX_DEVICES {
            return;
        }
        let quiet = self.by_device.iter().min_by_key(|(_, device)| device.used);
        if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
            self.by_device.remove(&quiet);
        }
    }
}

fn key(session: &Session) -> (OwnedUserId, String) {
    (session.user_id.clone(), session.device_id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(device: &str) -> Session {
        Session::new("@a:b".try_into().expect("a user"), device.into(), [0; 32])
    }

    fn member(user: &str) -> Members {
        let room: OwnedRoomId = "!r:b".try_into().expect("a room");
        let event: OwnedEventId = "$e".try_into().expect("an event");
        [((room, user.to_owned()), event)].into()
    }

    #[test]
    fn what_arrived_is_known_and_what_got_lost_is_not() {
        let (memory, session) = (LazyMemory::default(), session("D"));

        assert!(memory.known(&session, "").is_empty());
        memory.sent(&session, "", "1", member("@x:b"));
        assert_eq!(memory.known(&session, "1").len(), 1);
        memory.sent(&session, "1", "2", member("@y:b"));
        assert_eq!(memory.known(&session, "1").len(), 1, "the answer got lost");
        memory.sent(&session, "1", "2", member("@y:b"));
        assert_eq!(memory.known(&session, "2").len(), 2);
        assert!(memory.known(&session, "other").is_empty());
    }

    #[test]
    fn each_device_has_its_own_memory() {
        let memory = LazyMemory::default();
        memory.known(&session("D"), "");
        memory.sent(&session("D"), "", "1", member("@x:b"));

        assert!(memory.known(&session("E"), "1").is_empty());
    }
}
