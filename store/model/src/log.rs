//! The log as the primary sees it: what it holds, and which unique keys it has.

use crate::config::Rules;
use crate::document::{Doc, Entry, Position, ROOM_LOG, SlotRow};
use crate::node::Answer;
use crate::state::State;

impl State {
    /// The place of the next document.
    pub(crate) fn end(&self) -> u8 {
        self.log.len() as u8
    }

    /// What a majority has.
    pub(crate) fn committed(&self) -> &[Doc] {
        &self.log[..self.majority.into()]
    }

    pub(crate) fn is_committed(&self, place: u8) -> bool {
        place < self.majority
    }

    /// The row of a slot.
    pub(crate) fn row(&self, w: u8) -> Option<&SlotRow> {
        let mut newest_first = self.log.iter().rev().filter_map(Doc::slot);
        newest_first.find(|row| row.w == w)
    }

    /// The greatest slot of which anything is known.
    pub(crate) fn slots(&self) -> u8 {
        let slot = |doc: &Doc| match doc {
            Doc::Slot(row) => Some(row.w),
            other => other.position().map(|position| position.w),
        };
        self.log.iter().filter_map(slot).max().unwrap_or(0)
    }

    /// The place of what bears a position in a collection.
    pub(crate) fn place_of(&self, collection: u8, position: Position) -> Option<u8> {
        self.place(|doc| doc.bears(collection, position))
    }

    /// The place of the first document of a kind.
    fn place(&self, is_wanted: impl Fn(&Doc) -> bool) -> Option<u8> {
        self.log.iter().position(is_wanted).map(|i| i as u8)
    }

    fn place_of_entry(&self, is_wanted: impl Fn(&Entry) -> bool) -> Option<u8> {
        self.place(|doc| doc.entry().is_some_and(&is_wanted))
    }

    /// Inserts a document, unless a unique key is in its way.
    pub(crate) fn insert(&mut self, rules: &Rules, doc: Doc) -> Answer {
        let refusal = match &doc {
            Doc::Entry(entry) => self.refusal(rules, entry),
            Doc::Filler(filler) => self
                .place_of(filler.collection, filler.position)
                .map(Answer::SamePosition),
            Doc::Slot(_) | Doc::Beat(_) => None,
        };
        refusal.unwrap_or_else(|| {
            self.log.push(doc);
            Answer::Applied(self.end() - 1)
        })
    }

    /// The keys in the order in which the database looks at them.
    fn refusal(&self, rules: &Rules, entry: &Entry) -> Option<Answer> {
        if let Some(place) = self.place_of_key(entry) {
            let is_mine = self.log[usize::from(place)]
                .entry()
                .is_some_and(|other| other.draft == entry.draft);
            return Some(Answer::SameKey { place, is_mine });
        }
        let position = self.place_of(entry.collection, entry.position);
        if let Some(place) = position.filter(|_| rules.wsidx) {
            return Some(Answer::SamePosition(place));
        }
        if !rules.txidx || entry.collection != ROOM_LOG {
            return None;
        }
        self.place_of_entry(|other| other.shares_room(entry) && other.tx == entry.tx)
            .map(Answer::SameTx)
    }

    /// The key of a room's entry is its position in the room; another document's is its own.
    fn place_of_key(&self, entry: &Entry) -> Option<u8> {
        self.place_of_entry(|other| {
            if entry.collection == ROOM_LOG {
                other.shares_room(entry) && other.n == entry.n
            } else {
                other.collection == entry.collection && other.draft == entry.draft
            }
        })
    }
}

/// The entries of a room's log among these documents, in their order.
pub(crate) fn entries_of(log: &[Doc], room: u8) -> impl DoubleEndedIterator<Item = &Entry> {
    let entries = log.iter().filter_map(Doc::entry);
    entries.filter(move |entry| entry.is_in(room))
}
