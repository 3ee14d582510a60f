//! Cuts: how far a node has seen, per writer. They are the clients' tokens.

use std::collections::HashMap;
use std::fmt;

use crate::config::Rules;
use crate::document::{Doc, Entry, Position};
use crate::node::Node;
use crate::state::State;

/// No model has so many numbers; what ends here is a rule that settles numbers without end.
const MOST_NUMBERS: u8 = 60;

/// By writer slot the number up to which everything has been seen. The first is no slot's.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cut(Vec<u8>);

/// What a node knows of the numbers.
struct Known {
    /// By number the one that has to be covered before it, if any.
    before: HashMap<Position, Option<Position>>,
    /// By slot the number up to which all are settled, whatever their documents are.
    settled: Vec<u8>,
}

impl Cut {
    pub(crate) fn covers(&self, position: Position) -> bool {
        let mark = self.0.get(usize::from(position.w));
        mark.is_some_and(|mark| *mark >= position.s)
    }

    /// The cut that covers what either covers.
    pub(crate) fn max(&self, other: &Self) -> Self {
        let mark = |cut: &Self, w: usize| cut.0.get(w).copied().unwrap_or(0);
        let slots = self.0.len().max(other.0.len());
        Self(
            (0..slots)
                .map(|w| mark(self, w).max(mark(other, w)))
                .collect(),
        )
    }

    /// The cut of a node.
    pub(crate) fn of(state: &State, rules: &Rules, node: &Node) -> Self {
        let known = Known::of(state, rules, node);
        let slots = known.settled.len();
        let mut cut = Self(vec![0; slots]);
        // A number of one slot may wait for one of another.
        let mut moves = true;
        while moves {
            moves = false;
            for w in 1..slots {
                moves |= cut.advance(&known, w);
            }
        }
        cut
    }

    /// Moves one mark as far as it goes; whether it moved.
    fn advance(&mut self, known: &Known, w: usize) -> bool {
        let before = self.0[w];
        while self.0[w] + 1 < MOST_NUMBERS && self.may_pass(known, w) {
            self.0[w] += 1;
        }
        self.0[w] > before
    }

    fn may_pass(&self, known: &Known, w: usize) -> bool {
        let s = self.0[w] + 1;
        match known.before.get(&Position { w: w as u8, s }) {
            Some(Some(before)) => self.covers(*before),
            Some(None) => true,
            None => s <= known.settled[w],
        }
    }
}

impl Known {
    fn of(state: &State, rules: &Rules, node: &Node) -> Self {
        let mut known = Self {
            before: HashMap::new(),
            settled: vec![0; usize::from(state.slots()) + 1],
        };
        for (place, doc) in (0..).zip(&state.log) {
            let is_seen = node.has_seen(place);
            match doc {
                Doc::Entry(entry) => {
                    let is_own = state.is_committed(place) && node.own.contains(&entry.position);
                    if is_seen || is_own {
                        known.add_entry(entry, rules.pred && (rules.own_pred || !is_own));
                    }
                }
                Doc::Filler(filler) if is_seen && filler.counts => {
                    known.before.entry(filler.position).or_insert(None);
                }
                Doc::Slot(row) if is_seen && rules.by_final && row.is_closed() => {
                    known.settle(row.w, row.block_end);
                }
                Doc::Beat(beat) if is_seen => known.settle(beat.w, beat.settled),
                _ => {}
            }
        }
        known
    }

    /// An entry outweighs a filler with its number.
    fn add_entry(&mut self, entry: &Entry, must_follow: bool) {
        let before = (must_follow && entry.pw != Position::NONE).then_some(entry.pw);
        self.before.insert(entry.position, before);
    }

    fn settle(&mut self, w: u8, upto: u8) {
        let settled = &mut self.settled[usize::from(w)];
        *settled = upto.max(*settled);
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
