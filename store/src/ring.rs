//! The newest changes, in memory.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The last changes of our own writer slot, in order.
pub(crate) struct Ring {
    inner: Mutex<Inner>,
}

struct Inner {
    /// Every change after this number is in `changes`.
    floor: Position,
    changes: VecDeque<Change>,
}

impl Ring {
    /// An empty ring; what stands up to `floor` was committed before.
    pub(crate) fn new(floor: Position) -> Self {
        Self {
            inner: Mutex::new(Inner {
                floor,
                changes: VecDeque::new(),
            }),
        }
    }

    /// Adds changes, which come after all that are there.
    pub(crate) fn extend(&self, changes: impl IntoIterator<Item = Change>) {
        let mut inner = self.lock();
        for change in changes {
            if inner.changes.len() == CAPACITY
                && let Some(oldest) = inner.changes.pop_front()
            {
                inner.floor = oldest.position;
            }
            inner.changes.push_back(change);
        }
    }

    /// The changes after `start` up to `end`; `None`: they are not all here.
    pub(crate) fn between(&self, start: Position, end: Position) -> Option<Vec<Change>> {
        let inner = self.lock();
        if start.w != inner.floor.w || start.s < inner.floor.s {
            return None;
        }
        let from = inner
            .changes
            .partition_point(|change| change.position.s <= start.s);
        let to = inner
            .changes
            .partition_point(|change| change.position.s <= end.s);
        Some(keep_last(inner.changes.range(from..to).cloned().collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing here panics half-way, so a poisoned ring is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[test]
    fn what_is_not_all_there_is_not_answered() {
        let ring = Ring::new(at(5));
        ring.extend([change(6, 1), change(8, 2)]);

        assert_eq!(ring.between(at(4), at(8)), None);
        assert_eq!(ring.between(Position { w: 2, s: 6 }, at(8)), None);
        assert_eq!(ring.between(at(6), at(8)), Some(vec![change(8, 2)]));
        assert_eq!(ring.between(at(5), at(7)), Some(vec![change(6, 1)]));
    }

    #[test]
    fn a_full_ring_forgets_the_oldest() {
        let ring = Ring::new(at(0));

        ring.extend((1..=CAPACITY as u64 + 1).map(|s| change(s, s as u8)));

        assert_eq!(ring.between(at(0), at(2)), None);
        assert_eq!(ring.between(at(1), at(2)), Some(vec![change(2, 2)]));
    }

    #[test]
    fn a_document_is_named_at_its_last_position() {
        let ring = Ring::new(at(0));

        ring.extend([change(1, 1), change(2, 2), change(3, 1)]);

        assert_eq!(
            ring.between(at(0), at(3)),
            Some(vec![change(2, 2), change(3, 1)])
        );
        assert_eq!(
            ring.between(at(0), at(2)),
            Some(vec![change(1, 1), change(2, 2)])
        );
    }
}
