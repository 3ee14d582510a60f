//! Rooms of which a destination has missed much: of what happened long ago it is told where it ended,
//! not all of it.

use std::collections::HashMap;

use gantry_model::id::{OwnedRoomId, RoomId};
use gantry_store::{Cut, Position};

/// Events of one room that are sent one after the other to a destination that was away for long.
/// Beyond them it gets the room's forward extremities and fetches what lies between by itself, in
/// whole pages and from whom it likes.
const SHORT: usize = 50;
/// What is not older, in milliseconds, is sent whatever its number: who is slow, or was away for
/// a moment, would need longer to fetch it.
const RECENT_MS: i64 = 10 * 60 * 1000;

/// How catching up goes, room by room. Empty when a destination is on time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backlog {
    sent: HashMap<OwnedRoomId, usize>,
    /// Of these rooms the extremities were sent; everything up to the cut follows from them.
    told: HashMap<OwnedRoomId, Cut>,
}

/// What is to be done with the next event of a room.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send it.
    Send,
    /// Send the room's extremities, and neither it nor what follows.
    Tell,
    /// Leave it out: it follows from what was sent.
    Skip,
}

impl Backlog {
    /// What to do with the event at `position`, which was made `age_ms` milliseconds ago.
    pub(crate) fn step(&self, room: &RoomId, position: Position, age_ms: i64) -> Step {
        if self
            .told
            .get(room)
            .is_some_and(|told| told.contains(position))
        {
            Step::Skip
        } else if age_ms <= RECENT_MS {
            Step::Send
        } else if self.sent.get(room).is_some_and(|sent| *sent >= SHORT) {
            Step::Tell
        } else {
            Step::Send
        }
    }

    /// An event of the room is sent.
    pub(crate) fn sent(&mut self, room: &RoomId) {
        *self.sent.entry(room.to_owned()).or_default() += 1;
    }

    /// The room's extremities are sent, as they are at that cut or later.
    pub(crate) fn told(&mut self, room: &RoomId, upto: &Cut) {
        self.sent.remove(room);
        self.told.insert(room.to_owned(), upto.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_backlog_is_told_and_not_sent() {
        let room = RoomId::parse("!a:b.c").unwrap();
        let upto: Cut = "g1_1.90".parse().unwrap();
        let at = |s| Position { w: 1, s };
        let old = RECENT_MS + 1;
        let mut backlog = Backlog::default();

        for s in 0..SHORT as u64 {
            assert_eq!(backlog.step(&room, at(s), old), Step::Send);
            backlog.sent(&room);
        }
        assert_eq!(backlog.step(&room, at(60), RECENT_MS), Step::Send);
        assert_eq!(backlog.step(&room, at(60), old), Step::Tell);
        backlog.told(&room, &upto);

        assert_eq!(backlog.step(&room, at(61), old), Step::Skip);
        assert_eq!(backlog.step(&room, at(62), 0), Step::Skip);
        assert_eq!(backlog.step(&room, at(91), old), Step::Send);
    }
}
