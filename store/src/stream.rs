//! What is known of the stream: of every writer, how far all its numbers have been seen, and the
//! newest changes.
//!
//! A number counts when its document is known, from our own commit or from the engine's feed, and
//! what stands before it in its room counts already. So a cut is a prefix of every room.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::ring::{Change, Ring};
use crate::{Cut, Position};

/// A document that bears a number.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) position: Position,
    /// What was written; `None`: a filler.
    pub(crate) change: Option<Change>,
    /// What stands before it in its room.
    pub(crate) after: Option<Position>,
}

/// The stream of all writers.
pub(crate) struct Stream {
    writers: Mutex<BTreeMap<u16, Writer>>,
    cut: watch::Sender<Cut>,
}

/// What is known of one writer.
struct Writer {
    mark: u64,
    ring: Ring,
    /// What arrived and does not count yet, by number.
    waiting: BTreeMap<u64, (Option<Change>, Option<Position>)>,
}

impl Writer {
    fn new(position: Position) -> Self {
        Self {
            mark: position.s,
            ring: Ring::new(position.s),
            waiting: BTreeMap::new(),
        }
    }

    /// Whether anything moves: the next number if what it follows counts.
    fn advance(&mut self, cut: &Cut) -> bool {
        let next = self.mark + 1;
        let Some((_, after)) = self.waiting.get(&next) else {
            return false;
        };
        if after.is_some_and(|after| !cut.contains(after)) {
            return false;
        }
        if let Some((Some(change), _)) = self.waiting.remove(&next) {
            self.ring.push(change);
        }
        self.mark = next;
        true
    }

    /// Takes over that somebody has seen everything up to a number, without having seen it here.
    fn adopt(&mut self, s: u64) {
        if s > self.mark {
            self.mark = s;
            self.ring = Ring::new(s);
            self.waiting = self.waiting.split_off(&(s + 1));
        }
    }
}

impl Stream {
    /// A stream that begins at a cut.
    pub(crate) fn new(start: Cut) -> (Self, watch::Receiver<Cut>) {
        let writers = start.marks().map(|mark| (mark.w, Writer::new(mark)));
        let writers = Mutex::new(writers.collect());
        let (cut, seen) = watch::channel(start);
        (Self { writers, cut }, seen)
    }

    /// How far everything has been seen.
    pub(crate) fn cut(&self) -> Cut {
        self.cut.borrow().clone()
    }

    /// Takes in documents, in any order and as often as they come.
    pub(crate) fn arrive(&self, arrived: impl IntoIterator<Item = Arrived>) {
        let mut writers = self.lock();
        for one in arrived {
            let start = Position {
                w: one.position.w,
                s: 0,
            };
            let writer = writers
                .entry(one.position.w)
                .or_insert_with(|| Writer::new(start));
            if one.position.s > writer.mark {
                let known = (one.change, one.after);
                writer.waiting.entry(one.position.s).or_insert(known);
            }
        }
        self.publish(&mut writers);
    }

    /// Takes over a cut that another node has published, or the end of a closed slot.
    pub(crate) fn adopt(&self, marks: impl IntoIterator<Item = Position>) {
        let mut writers = self.lock();
        for mark in marks {
            let writer = writers.entry(mark.w).or_insert_with(|| Writer::new(mark));
            writer.adopt(mark.s);
        }
        self.publish(&mut writers);
    }

    /// The changes of a writer after `start` up to `end`; `None`: they are not all here.
    pub(crate) fn between(&self, start: Position, end: Position) -> Option<Vec<Change>> {
        let writers = self.lock();
        writers.get(&end.w)?.ring.between(start.s, end.s)
    }

    /// Moves every mark as far as it goes, and tells if any has moved.
    fn publish(&self, writers: &mut BTreeMap<u16, Writer>) {
        let mut cut = self.cut.borrow().clone();
        let mut moves = true;
        while moves {
            moves = false;
            for (w, writer) in writers.iter_mut() {
                while writer.advance(&cut) {
                    moves = true;
                    let s = writer.mark;
                    cut.advance(Position { w: *w, s });
                }
                let s = writer.mark;
                cut.advance(Position { w: *w, s });
            }
        }
        self.cut.send_if_modified(|published| {
            let is_new = *published != cut;
            *published = cut;
            is_new
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u16, Writer>> {
        // Nothing here panics half-way, so what is behind a poisoned lock is whole.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schema::ROOM;

    fn at(w: u16, s: u64) -> Position {
        Position { w, s }
    }

    fn arrived(position: Position, after: Option<Position>) -> Arrived {
        let change = Change {
            position,
            table: ROOM,
            key: vec![1],
        };
        Arrived {
            position,
            change: Some(change),
            after,
        }
    }

    fn marks(stream: &Stream) -> Vec<Position> {
        stream.cut().marks().collect()
    }

    #[test]
    fn a_number_counts_when_all_before_it_do() {
        let (stream, _seen) = Stream::new(Cut::new(1));

        stream.arrive([arrived(at(1, 2), None)]);
        assert_eq!(marks(&stream), []);
        stream.arrive([arrived(at(2, 1), Some(at(1, 2)))]);
        assert_eq!(marks(&stream), []);
        stream.arrive([arrived(at(1, 1), None)]);

        assert_eq!(marks(&stream), [at(1, 2), at(2, 1)]);
        let changes = stream.between(at(1, 1), at(1, 2)).expect("they are here");
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn what_was_not_seen_here_is_not_told_from_memory() {
        let (stream, _seen) = Stream::new(Cut::new(1));
        stream.arrive([arrived(at(1, 1), None), arrived(at(1, 5), None)]);

        stream.adopt([at(1, 4), at(3, 7)]);

        assert_eq!(marks(&stream), [at(1, 5), at(3, 7)]);
        assert_eq!(stream.between(at(1, 0), at(1, 5)), None);
        assert!(stream.between(at(1, 4), at(1, 5)).is_some());
    }

    proptest! {
        /// Two writers that follow each other in one room: in whatever order their documents
        /// arrive, a cut never contains one without the one that it follows.
        #[test]
        fn every_cut_is_a_prefix_of_the_room(
            owners in prop::collection::vec(1..4_u16, 1..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..200),
        ) {
            let mut last = BTreeMap::new();
            let mut log = Vec::new();
            for w in owners {
                let s = last.entry(w).and_modify(|s| *s += 1).or_insert(1);
                log.push(at(w, *s));
            }
            let follows = |n: usize| n.checked_sub(1).map(|before| log[before]);
            let (stream, _seen) = Stream::new(Cut::new(1));
            for one in order {
                let n = one.index(log.len());
                stream.arrive([arrived(log[n], follows(n))]);
                let cut = stream.cut();
                let seen = log.iter().take_while(|one| cut.contains(**one)).count();
                let total = log.iter().filter(|one| cut.contains(**one)).count();
                prop_assert_eq!(seen, total);
            }
            for (n, one) in log.iter().enumerate() {
                stream.arrive([arrived(*one, follows(n))]);
            }
            prop_assert!(log.iter().all(|one| stream.cut().contains(*one)));
        }
    }
}
