//! What one node knows, all of which a crash takes away.

use std::ops::Range;

use crate::document::{Doc, Entry, Position, SlotRow};

/// The place of a document that was in the way and has been rolled back.
pub(crate) const GONE: u8 = u8::MAX;
/// More nodes than any model has: lives are told apart by it.
const MOST_NODES: u8 = 4;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) is_alive: bool,
    /// Every start of a node is another life, which owns no slot of the one before.
    pub(crate) life: u8,
    pub(crate) slot: Option<Slot>,
    /// Where the log has the row that leases numbers, until a majority has it.
    pub(crate) lease: Option<u8>,
    /// The last entry of each room, where it is known.
    pub(crate) heads: Vec<Option<Head>>,
    pub(crate) pending: Vec<Pending>,
    /// Numbers that need fillers.
    pub(crate) owed: Vec<Owed>,
    /// Numbers of the slot that the next drafts bear.
    pub(crate) free: Vec<u8>,
    /// Own entries that were acknowledged and that the change stream has not delivered.
    pub(crate) own: Vec<Position>,
    /// How many documents of the log the change stream has delivered.
    pub(crate) seen: u8,
    /// Of these, what the node has in truth never met.
    pub(crate) missed: Range<u8>,
    pub(crate) closing: Option<Closing>,
}

/// A slot that a node writes under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) w: u8,
    pub(crate) next: u8,
    pub(crate) block_end: u8,
}

/// The end of a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Head {
    pub(crate) n: u8,
    pub(crate) position: Position,
}

/// An entry that is drafted and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pending {
    pub(crate) doc: Doc,
    pub(crate) answer: Answer,
}

/// What the database said of an entry. Places are those of documents in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    NotSent,
    Awaited,
    Unknown,
    Applied(u8),
    SameKey { place: u8, is_mine: bool },
    SamePosition(u8),
    SameTx(u8),
    NotReached,
}

/// A number that needs a filler in a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Owed {
    pub(crate) position: Position,
    pub(crate) collection: u8,
}

/// The closing of another's slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Closing {
    pub(crate) w: u8,
    pub(crate) epoch: u8,
    pub(crate) block_end: u8,
    /// Where the log has the row that took the slot over, until a majority has it.
    pub(crate) place: u8,
    pub(crate) is_taken: bool,
    /// The numbers that are settled, as bits.
    settled: u64,
}

impl Node {
    pub(crate) fn new(rooms: u8) -> Self {
        Self {
            is_alive: true,
            life: 0,
            slot: None,
            lease: None,
            heads: vec![None; rooms.into()],
            pending: Vec::new(),
            owed: Vec::new(),
            free: Vec::new(),
            own: Vec::new(),
            seen: 0,
            missed: 0..0,
            closing: None,
        }
    }

    /// What the rows of its slots call the node with this index.
    pub(crate) fn owner(&self, index: usize) -> u8 {
        index as u8 + MOST_NODES * self.life
    }

    /// Whether an owner is a life of the node with this index.
    pub(crate) fn is_life_of(owner: u8, index: usize) -> bool {
        owner % MOST_NODES == index as u8
    }

    /// Whether it has met the document at a place in the log.
    pub(crate) fn has_seen(&self, place: u8) -> bool {
        place < self.seen && !self.missed.contains(&place)
    }

    /// The entries under way in a room, in their order.
    pub(crate) fn pending_in(&self, room: u8) -> impl DoubleEndedIterator<Item = &Pending> {
        let is_in = move |pending: &&Pending| pending.entry().is_in(room);
        self.pending.iter().filter(is_in)
    }

    /// What is awaited or applied will never be told.
    pub(crate) fn lose_answers(&mut self) {
        for pending in &mut self.pending {
            if matches!(pending.answer, Answer::Awaited | Answer::Applied(_)) {
                pending.answer = Answer::Unknown;
            }
        }
    }

    /// The log was cut off at a place.
    pub(crate) fn roll_back(&mut self, end: u8) {
        for pending in &mut self.pending {
            pending.answer = pending.answer.rolled_back(end);
        }
        if self.lease.is_some_and(|place| place >= end) {
            self.lease = None;
            self.slot = None;
        }
        let is_lost = |closing: &Closing| !closing.is_taken && closing.place >= end;
        if self.closing.as_ref().is_some_and(is_lost) {
            self.closing = None;
        }
    }
}

impl Head {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            n: entry.n,
            position: entry.position,
        }
    }
}

impl Pending {
    /// The entry; nothing else is drafted.
    pub(crate) fn entry(&self) -> &Entry {
        self.doc.entry().expect("only entries are drafted")
    }
}

impl Answer {
    /// Whether another document was in the way.
    pub(crate) fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::SameKey { .. } | Self::SamePosition(_) | Self::SameTx(_)
        )
    }

    fn rolled_back(self, end: u8) -> Self {
        match self {
            Self::Applied(place) if place >= end => Self::Unknown,
            Self::SameKey { place, is_mine } if place >= end => Self::SameKey {
                place: GONE,
                is_mine,
            },
            Self::SamePosition(place) if place >= end => Self::SamePosition(GONE),
            Self::SameTx(place) if place >= end => Self::SameTx(GONE),
            other => other,
        }
    }
}

impl Closing {
    /// The log has at `place` the row that takes a slot over.
    pub(crate) fn new(row: SlotRow, place: u8) -> Self {
        Self {
            w: row.w,
            epoch: row.epoch,
            block_end: row.block_end,
            place,
            is_taken: false,
            settled: 0,
        }
    }

    /// The same when a majority has the row.
    pub(crate) fn taken(&self) -> Self {
        Self {
            place: 0,
            is_taken: true,
            ..self.clone()
        }
    }

    /// The first collection in which a number is not settled.
    pub(crate) fn unsettled(&self, s: u8, collections: u8) -> Option<u8> {
        (0..collections).find(|collection| self.settled & Self::bit(s, *collection) == 0)
    }

    pub(crate) fn settle(&mut self, s: u8, collection: u8) {
        self.settled |= Self::bit(s, collection);
    }

    pub(crate) fn is_done(&self, collections: u8) -> bool {
        (1..=self.block_end).all(|s| self.unsettled(s, collections).is_none())
    }

    fn bit(s: u8, collection: u8) -> u64 {
        1 << (s * 2 + collection)
    }
}
