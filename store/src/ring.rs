//! The newest changes, in memory.

use std::collections::{HashSet, VecDeque};

use crate::{Key, Position, Table};

/// Changes kept; beyond them the index is read.
const CAPACITY: usize = 100_000;

/// A document that was written with a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The position.
    pub position: Position,
    /// The table.
    pub table: &'static Table,
    /// The document's key.
    pub key: Key,
}

/// The last changes of one writer, in order.
pub(crate) struct Ring {
    /// Every change after this number is in `changes`.
    floor: u64,
    changes: VecDeque<Change>,
}

impl Ring {
    /// An empty ring; what stands up to `floor` was committed before.
    pub(crate) fn new(floor: u64) -> Self {
        Self {
            floor,
            changes: VecDeque::new(),
        }
    }

    /// Adds a change, which comes after all that are there.
    pub(crate) fn push(&mut self, change: Change) {
        if self.changes.len() == CAPACITY
            && let Some(oldest) = self.changes.pop_front()
        {
            self.floor = oldest.position.s;
        }
        self.changes.push_back(change);
    }

    /// The changes after `start` up to `end`; `None`: they are not all here.
    pub(crate) fn between(&self, start: u64, end: u64) -> Option<Vec<Change>> {
        if start < self.floor {
            return None;
        }
        let upto = |s: u64| {
            self.changes
                .partition_point(|change| change.position.s <= s)
        };
        let found = self.changes.range(upto(start)..upto(end));
        Some(keep_last(found.cloned().collect()))
    }
}

/// Of several changes of one document, only the last.
pub(crate) fn keep_last(changes: Vec<Change>) -> Vec<Change> {
    let kept: HashSet<Position> = {
        let mut seen = HashSet::new();
        let newest_first = changes.iter().rev();
        newest_first
            .filter(|change| seen.insert((change.table.name, &change.key)))
            .map(|change| change.position)
            .collect()
    };
    changes
        .into_iter()
        .filter(|change| kept.contains(&change.position))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ROOM;

    fn at(s: u64) -> Position {
        Position { w: 1, s }
    }

    fn change(s: u64, key: u8) -> Change {
        Change {
            position: at(s),
            table: ROOM,
            key: vec![key],
        }
    }

    fn ring(floor: u64, changes: impl IntoIterator<Item = Change>) -> Ring {
        let mut ring = Ring::new(floor);
        changes.into_iter().for_each(|change| ring.push(change));
        ring
    }

    #[test]
    fn what_is_not_all_there_is_not_answered() {
        let ring = ring(5, [change(6, 1), change(8, 2)]);

        assert_eq!(ring.between(4, 8), None);
        assert_eq!(ring.between(6, 8), Some(vec![change(8, 2)]));
        assert_eq!(ring.between(5, 7), Some(vec![change(6, 1)]));
    }

    #[test]
    fn a_full_ring_forgets_the_oldest() {
        let ring = ring(0, (1..=CAPACITY as u64 + 1).map(|s| change(s, s as u8)));

        assert_eq!(ring.between(0, 2), None);
        assert_eq!(ring.between(1, 2), Some(vec![change(2, 2)]));
    }

    #[test]
    fn a_document_is_named_at_its_last_position() {
        let ring = ring(0, [change(1, 1), change(2, 2), change(3, 1)]);

        assert_eq!(ring.between(0, 3), Some(vec![change(2, 2), change(3, 1)]));
        assert_eq!(ring.between(0, 2), Some(vec![change(1, 1), change(2, 2)]));
    }
}
