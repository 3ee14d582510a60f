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
        let pw = doc.get_document("pw").ok()?;
        let field = |name| pw.get_i64(name).ok();
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
