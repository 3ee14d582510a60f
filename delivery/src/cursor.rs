//! What is stored: how far each destination has come.

use gantry_store::{Cut, Position};
use serde::{Deserialize, Serialize};

/// What is stored of the destinations in one part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Everything up to here was delivered to those that are not among `servers`, or have no cursor
    /// there. `None`: nothing was ever followed.
    pub(crate) cursor: Option<String>,
    /// Those that lag behind or fail.
    pub(crate) servers: Vec<Row>,
}

/// How one destination fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The server.
    pub(crate) server: String,
    /// Everything up to here was delivered; `None`: the common cursor says it.
    pub(crate) cursor: Option<String>,
    /// When a transaction last arrived, in milliseconds; 0: never since it is known.
    pub(crate) last_ok: i64,
    /// Failures in a row.
    pub(crate) failures: i64,
    /// When it is tried again, in milliseconds.
    pub(crate) retry_at: i64,
}

/// A stored cursor, unless it was made before the store was restored from a backup.
pub(crate) fn read(cursor: Option<&str>, now: &Cut) -> Option<Cut> {
    let cut: Cut = cursor?.parse().ok()?;
    (cut.generation() == now.generation()).then_some(cut)
}

/// `upto`, but before each of these positions.
pub(crate) fn before(upto: &Cut, pending: impl IntoIterator<Item = Position>) -> Cut {
    let pending: Vec<Position> = pending.into_iter().collect();
    let mut cut = Cut::new(upto.generation());
    for mark in upto.marks() {
        let first = pending
            .iter()
            .filter(|one| one.w == mark.w)
            .map(|one| one.s)
            .min();
        let s = first.map_or(mark.s, |first| mark.s.min(first.saturating_sub(1)));
        cut.advance(Position { w: mark.w, s });
    }
    cut
}

/// The cut that contains what both contain.
pub(crate) fn min(a: &Cut, b: &Cut) -> Cut {
    let mut cut = Cut::new(a.generation());
    for mark in a.marks() {
        cut.advance(Position {
            w: mark.w,
            s: mark.s.min(b.mark(mark.w)),
        });
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Cut {
        text.parse().unwrap()
    }

    #[test]
    fn the_cursor_stands_before_what_is_pending() {
        let pending = [Position { w: 1, s: 7 }, Position { w: 1, s: 5 }];

        assert_eq!(before(&cut("g1_1.9_2.4"), pending), cut("g1_1.4_2.4"));
        assert_eq!(before(&cut("g1_1.9"), []), cut("g1_1.9"));
    }

    #[test]
    fn the_minimum_knows_only_what_both_know() {
        assert_eq!(min(&cut("g1_1.9_2.1"), &cut("g1_1.3")), cut("g1_1.3"));
    }
}
