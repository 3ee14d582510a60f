//! Cuts: how far a reader has seen, per writer. They are sync tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Position};

/// Per writer slot the number up to which everything has been seen, and the store's generation:
/// after a restore from a backup the numbers mean something else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    generation: u32,
    marks: BTreeMap<u16, u64>,
}

impl Cut {
    /// The cut before everything.
    pub fn new(generation: u32) -> Self {
        Self {
            generation,
            marks: BTreeMap::new(),
        }
    }

    /// The generation of the store whose positions these are.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The number up to which everything of writer `w` has been seen; 0: nothing.
    pub fn mark(&self, w: u16) -> u64 {
        self.marks.get(&w).copied().unwrap_or(0)
    }

    /// The writers of which something has been seen, and how far.
    pub fn marks(&self) -> impl Iterator<Item = Position> + '_ {
        self.marks.iter().map(|(w, s)| Position { w: *w, s: *s })
    }

    /// Whether what stands at `position` has been seen.
    pub fn contains(&self, position: Position) -> bool {
        position.s <= self.mark(position.w)
    }

    /// Moves the mark of one writer up to `position`; never back.
    pub fn advance(&mut self, position: Position) {
        if position.s > self.mark(position.w) {
            self.marks.insert(position.w, position.s);
        }
    }

    /// A cut on the way to `upto`: at most `step` numbers of each writer after this one. Between
    /// writers it is no order of time, so only readers for whom order within a room does not matter
    /// read so.
    #[must_use]
    pub fn step(&self, upto: &Self, step: u64) -> Self {
        let mut cut = self.clone();
        for mark in upto.marks() {
            cut.advance(Position {
                w: mark.w,
                s: mark.s.min(self.mark(mark.w).saturating_add(step)),
            });
        }
        cut
    }

    /// The cut that contains what either contains; of two generations, the later cut.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        if self.generation != other.generation {
            return if self.generation > other.generation {
                self
            } else {
                other
            }
            .clone();
        }
        let mut both = self.clone();
        for position in other.marks() {
            both.advance(position);
        }
        both
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.generation)?;
        for position in self.marks() {
            write!(f, "_{position}")?;
        }
        Ok(())
    }
}

impl FromStr for Cut {
    type Err = Error;

    fn from_str(token: &str) -> Result<Self, Error> {
        parse(token).ok_or(Error::InvalidToken)
    }
}

fn parse(token: &str) -> Option<Cut> {
    let mut parts = token.strip_prefix('g')?.split('_');
    let mut cut = Cut::new(number(parts.next()?)?);
    let mut last = None;
    for part in parts {
        let (w, s) = part.split_once('.')?;
        let position = Position {
            w: number(w)?,
            s: number(s)?,
        };
        // One cut has one spelling: writers ascend, and what is not seen is not written.
        if position.s == 0 || position.s >> 48 != 0 || last >= Some(position.w) {
            return None;
        }
        last = Some(position.w);
        cut.advance(position);
    }
    Some(cut)
}

/// A decimal number in its one spelling: no sign, no leading zero.
fn number<N: FromStr + ToString>(text: &str) -> Option<N> {
    let number = text.parse::<N>().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cuts() -> impl Strategy<Value = Cut> {
        let marks = prop::collection::btree_map(0..4_u16, 1..1_u64 << 48, 0..4);
        (0..3_u32, marks).prop_map(|(generation, marks)| Cut { generation, marks })
    }

    proptest! {
        #[test]
        fn steps_end_at_the_end(a in cuts(), b in cuts(), step in 1..1_000_u64) {
            let end = a.max(&b);
            prop_assert!(a.generation() != end.generation() || a.step(&end, u64::MAX) == end);
            for mark in a.step(&end, step).marks() {
                prop_assert!(mark.s <= a.mark(mark.w).saturating_add(step));
            }
        }

        #[test]
        fn tokens_come_back(cut in cuts()) {
            prop_assert_eq!(cut.to_string().parse::<Cut>().expect("own token"), cut);
        }

        #[test]
        fn any_text_is_refused_or_is_the_token_of_its_cut(token in "g[0-9_.+]{0,12}") {
            if let Ok(cut) = token.parse::<Cut>() {
                prop_assert_eq!(cut.to_string(), token);
            }
        }

        #[test]
        fn the_maximum_is_a_lattice_join(a in cuts(), b in cuts(), c in cuts()) {
            prop_assert_eq!(a.max(&a), a.clone());
            prop_assert_eq!(a.max(&b), b.max(&a));
            prop_assert_eq!(a.max(&b).max(&c), a.max(&b.max(&c)));
        }

        #[test]
        fn the_maximum_contains_exactly_what_either_contains(
            mut a in cuts(), mut b in cuts(), w in 0..4_u16, s in 1..1_u64 << 48,
        ) {
            a.generation = 1;
            b.generation = 1;
            let position = Position { w, s };

            let both = a.max(&b);

            prop_assert_eq!(both.contains(position), a.contains(position) || b.contains(position));
        }
    }

    #[test]
    fn one_writer_is_one_pair() {
        let mut cut = Cut::new(1);

        cut.advance(Position { w: 1, s: 57 });
        cut.advance(Position { w: 1, s: 5 });

        assert_eq!(cut.to_string(), "g1_1.57");
    }
}
