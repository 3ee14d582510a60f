//! Acknowledged events that wait, in lanes: of each room one for what can be taken in, and one for
//! each server whose events refer to something that must be fetched first.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use gantry_model::{
    Pdu,
    canonical_json::object_to_bytes,
    id::{OwnedRoomId, OwnedServerName, RoomId, ServerName},
};
use tokio::sync::Semaphore;

/// Events of one room that may wait.
const MAX_OF_ROOM: usize = 5_000;
/// Events of one server that may wait, in all rooms.
const MAX_OF_SERVER: Load = Load {
    events: 5_000,
    bytes: 32 * 1024 * 1024,
};
/// Events that may wait altogether.
const MAX_TOTAL: Load = Load {
    events: 50_000,
    bytes: 512 * 1024 * 1024,
};
/// Lanes of one server in which something is fetched at once.
const MAX_FETCHING: usize = 8;

/// An acknowledged event.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) origin: OwnedServerName,
    pub(super) pdu: Pdu,
    bytes: usize,
}

impl Waiting {
    pub(super) fn new(origin: OwnedServerName, pdu: Pdu) -> Self {
        let bytes = object_to_bytes(pdu.object()).len();
        Self { origin, pdu, bytes }
    }
}

/// Where an event waits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// It can be taken in, as far as is known.
    Ready(OwnedRoomId),
    /// It came from this server and refers to what is not here.
    Held(OwnedRoomId, OwnedServerName),
}

#[derive(Debug, Default, Clone, Copy)]
struct Load {
    events: usize,
    bytes: usize,
}

impl Load {
    fn add(&mut self, waiting: &Waiting) {
        self.events += 1;
        self.bytes += waiting.bytes;
    }

    fn remove(&mut self, waiting: &Waiting) {
        self.events -= 1;
        self.bytes -= waiting.bytes;
    }

    fn is_below(self, most: Self) -> bool {
        self.events < most.events && self.bytes < most.bytes
    }
}

/// What one server has waiting.
#[derive(Debug)]
struct OfServer {
    load: Load,
    fetching: Arc<Semaphore>,
}

/// What waits. A lane that exists has a task. An event counts until it is done, in whatever lane.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lanes: HashMap<Lane, VecDeque<Waiting>>,
    rooms: HashMap<OwnedRoomId, usize>,
    servers: HashMap<OwnedServerName, OfServer>,
    total: Load,
}

impl Queues {
    /// Whether the room takes more events now.
    pub(super) fn has_place(&self, room: &RoomId) -> bool {
        self.rooms
            .get(room)
            .is_none_or(|count| *count < MAX_OF_ROOM)
    }

    /// Whether events of this server are taken now.
    pub(super) fn takes_from(&self, server: &ServerName) -> bool {
        let of_server = self.servers.get(server);
        of_server.is_none_or(|of| of.load.is_below(MAX_OF_SERVER)) && self.total.is_below(MAX_TOTAL)
    }

    /// Whether so much waits that what is staged should wait too.
    pub(super) fn is_busy(&self) -> bool {
        self.total.events >= MAX_TOTAL.events / 4 || self.total.bytes >= MAX_TOTAL.bytes / 4
    }

    /// Queues an event that just came. `Some`: the lane needs a task.
    pub(super) fn push(&mut self, waiting: Waiting) -> Option<Lane> {
        let room = waiting.pdu.room_id().to_owned();
        *self.rooms.entry(room.clone()).or_default() += 1;
        self.total.add(&waiting);
        let of_server = self.servers.entry(waiting.origin.clone());
        let of_server = of_server.or_insert_with(|| OfServer {
            load: Load::default(),
            fetching: Arc::new(Semaphore::new(MAX_FETCHING)),
        });
        of_server.load.add(&waiting);
        self.put(Lane::Ready(room), waiting)
    }

    /// Queues an event behind what else must be fetched for its server's events in the room.
    /// `Some`: the lane needs a task.
    pub(super) fn hold(&mut self, waiting: Waiting) -> Option<Lane> {
        let room = waiting.pdu.room_id().to_owned();
        self.put(Lane::Held(room, waiting.origin.clone()), waiting)
    }

    fn put(&mut self, lane: Lane, waiting: Waiting) -> Option<Lane> {
        let is_new = !self.lanes.contains_key(&lane);
        self.lanes
            .entry(lane.clone())
            .or_default()
            .push_back(waiting);
        is_new.then_some(lane)
    }

    /// The next event of a lane, or the end of the lane's task.
    pub(super) fn next(&mut self, lane: &Lane) -> Option<Waiting> {
        let next = self.lanes.get_mut(lane).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.lanes.remove(lane);
        }
        next
    }

    /// An event is worked off.
    pub(super) fn done(&mut self, waiting: &Waiting) {
        self.total.remove(waiting);
        if let Some(of_server) = self.servers.get_mut(&waiting.origin) {
            of_server.load.remove(waiting);
            if of_server.load.events == 0 {
                self.servers.remove(&waiting.origin);
            }
        }
        let room = waiting.pdu.room_id();
        if let Some(count) = self.rooms.get_mut(room) {
            *count -= 1;
            if *count == 0 {
                self.rooms.remove(room);
            }
        }
    }

    /// What whoever fetches for a server's events must hold.
    pub(super) fn fetching(&self, server: &ServerName) -> Option<Arc<Semaphore>> {
        let of_server = self.servers.get(server)?;
        Some(Arc::clone(&of_server.fetching))
    }
}

#[cfg(test)]
mod tests {
    use gantry_roomgen::message_in;

    use super::*;

    fn waiting(server: &str, room: &str, number: i64) -> Waiting {
        let server = ServerName::parse(server).unwrap();
        let pdu = message_in(&server, room, number, &[]);
        Waiting::new(server, pdu)
    }

    #[test]
    fn what_is_held_for_one_server_delays_no_other() {
        let mut queues = Queues::default();
        let ready = queues.push(waiting("a.com", "!r:a.com", 1)).unwrap();
        assert!(queues.push(waiting("b.com", "!r:a.com", 2)).is_none());

        let first = queues.next(&ready).unwrap();
        let held = queues.hold(first).unwrap();

        assert_eq!(queues.next(&ready).unwrap().origin, "b.com");
        assert!(queues.next(&ready).is_none());
        assert_eq!(queues.next(&held).unwrap().origin, "a.com");
        assert!(queues.push(waiting("b.com", "!r:a.com", 3)).is_some());
    }

    #[test]
    fn a_server_with_too_much_waiting_is_put_off_and_another_is_not() {
        let (a, b) = ("a.com".try_into().unwrap(), "b.com".try_into().unwrap());
        let mut queues = Queues::default();
        let mut lane = None;
        for number in 0..MAX_OF_SERVER.events as i64 {
            let room = format!("!r{}:a.com", number % 7);
            lane = lane.or(queues.push(waiting("a.com", &room, number)));
        }

        assert!(!queues.takes_from(a) && queues.takes_from(b));
        let one = queues.next(&lane.unwrap()).unwrap();
        assert!(!queues.takes_from(a));
        queues.done(&one);

        assert!(queues.takes_from(a));
    }

    #[test]
    fn nothing_is_left_when_all_is_done() {
        let mut queues = Queues::default();
        let lane = queues.push(waiting("a.com", "!r:a.com", 1)).unwrap();
        while let Some(one) = queues.next(&lane) {
            queues.done(&one);
        }

        assert!(queues.lanes.is_empty() && queues.rooms.is_empty() && queues.servers.is_empty());
        assert_eq!((queues.total.events, queues.total.bytes), (0, 0));
    }
}
