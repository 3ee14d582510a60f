//! The documents of the modelled log, and the positions that they bear.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The collection of the rooms' log. Others hold documents with a position, but without a room and
/// without one before them.
pub(crate) const ROOM_LOG: u8 = 0;

/// A writer slot and one of its numbers. Both count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    pub(crate) w: u8,
    pub(crate) s: u8,
}

/// A document of the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Doc {
    Entry(Entry),
    Filler(Filler),
    Slot(SlotRow),
    Beat(Beat),
}

/// What a request has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) collection: u8,
    pub(crate) room: u8,
    /// The position in the room's log.
    pub(crate) n: u8,
    pub(crate) tx: u8,
    /// Which draft this is; it stands for the bytes.
    pub(crate) draft: u8,
    pub(crate) position: Position,
    /// The position of the one before it in its room.
    pub(crate) pw: Position,
}

/// What bears a number that no entry bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Filler {
    pub(crate) collection: u8,
    pub(crate) position: Position,
    /// Whether readers take the number as settled by it.
    pub(crate) counts: bool,
}

/// The row of a writer slot, as it was written once: the last one in the log is the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SlotRow {
    pub(crate) w: u8,
    /// Raised by every new owner, and by whoever closes it.
    pub(crate) epoch: u8,
    pub(crate) status: Status,
    pub(crate) owner: u8,
    /// The last number that may have been drawn.
    pub(crate) block_end: u8,
}

/// Who may write under a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Closed,
    Owned,
    Closing,
}

/// A heartbeat that tells how far a writer believes its numbers to be settled. Only a variant that
/// breaks the model writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Beat {
    pub(crate) w: u8,
    pub(crate) settled: u8,
}

impl Position {
    /// Before everything.
    pub(crate) const NONE: Self = Self { w: 0, s: 0 };
}

impl Doc {
    pub(crate) fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Entry(entry) => Some(entry),
            _ => None,
        }
    }

    pub(crate) fn slot(&self) -> Option<&SlotRow> {
        match self {
            Self::Slot(row) => Some(row),
            _ => None,
        }
    }

    /// The position that it bears; rows of slots and heartbeats bear none.
    pub(crate) fn position(&self) -> Option<Position> {
        match self {
            Self::Entry(entry) => Some(entry.position),
            Self::Filler(filler) => Some(filler.position),
            Self::Slot(_) | Self::Beat(_) => None,
        }
    }

    /// Whether it bears a position in a collection.
    pub(crate) fn bears(&self, collection: u8, position: Position) -> bool {
        match self {
            Self::Entry(entry) => (entry.collection, entry.position) == (collection, position),
            Self::Filler(filler) => (filler.collection, filler.position) == (collection, position),
            Self::Slot(_) | Self::Beat(_) => false,
        }
    }
}

impl Entry {
    /// Whether it stands in the log of a room.
    pub(crate) fn is_in(&self, room: u8) -> bool {
        self.collection == ROOM_LOG && self.room == room
    }

    /// Whether both stand in the log of one room.
    pub(crate) fn shares_room(&self, other: &Self) -> bool {
        other.collection == ROOM_LOG && self.is_in(other.room)
    }
}

impl SlotRow {
    pub(crate) fn is_closed(self) -> bool {
        self.status == Status::Closed
    }

    /// Whether this owner may lease numbers by it.
    pub(crate) fn belongs_to(self, owner: u8) -> bool {
        self.status == Status::Owned && self.owner == owner
    }
}

// States are hashed at every step, and rows are much of them: one byte, not eight.
impl Hash for Status {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self as u8).hash(state);
    }
}

// Traces are long: what an enum and a pair are called is left out of them.
impl fmt::Debug for Doc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(entry) => entry.fmt(f),
            Self::Filler(filler) => filler.fmt(f),
            Self::Slot(row) => row.fmt(f),
            Self::Beat(beat) => beat.fmt(f),
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.w, self.s)
    }
}
