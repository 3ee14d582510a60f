//! Positions: where in the stream of everything a document stands.

use std::fmt;

use bson::{Bson, Document};
use serde::{Deserialize, Serialize};

/// The place of a document in the stream: writer slot and sequence, stored as the integer fields
/// `w` and `s`, and as `{w, s}` where it refers to another document (`pw`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// The writer slot, from 1.
    pub w: u16,
    /// The sequence number within the slot, from 1; under 2^48.
    pub s: u64,
}

impl Position {
    /// The number of a filler's key: `w(2) ‖ s(6)`.
    pub fn packed(self) -> u64 {
        u64::from(self.w) << 48 | self.s
    }

    /// The position that a document names as the one before it in its room (`pw`).
    pub(crate) fn before(doc: &Document) -> Option<Self> {
        Self::of(doc.get_document("pw").ok()?)
    }

    /// The position that the fields `w` and `s` of a document spell, integers of either width: the
    /// serialization of a position, and those that databases and drivers make of it, use both.
    pub(crate) fn of(doc: &Document) -> Option<Self> {
        let field = |name| match doc.get(name) {
            Some(Bson::Int64(number)) => Some(*number),
            Some(Bson::Int32(number)) => Some((*number).into()),
            _ => None,
        };
        crate::store::position_from(field("w"), field("s"))
    }

    /// Sets the fields `w` and `s`.
    pub(crate) fn stamp(self, doc: &mut Document) {
        doc.insert("w", i64::from(self.w));
        doc.insert("s", self.s as i64);
    }
}

impl From<Position> for Bson {
    fn from(position: Position) -> Self {
        let mut doc = Document::new();
        position.stamp(&mut doc);
        Self::Document(doc)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.w, self.s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::ROOM;
    use crate::to_document;

    #[derive(Serialize)]
    struct Entry {
        pw: Option<Position>,
    }

    #[test]
    fn what_stands_before_is_found_however_it_was_written() {
        let before = Position { w: 3, s: 5 };
        let serialized = to_document(ROOM, &Entry { pw: Some(before) }).expect("a document");
        let mut inserted = Document::new();
        inserted.insert::<_, Position>("pw", before);

        assert_eq!(Position::before(&serialized), Some(before));
        assert_eq!(Position::before(&inserted), Some(before));
        assert_eq!(Position::before(&Document::new()), None);
    }
}
