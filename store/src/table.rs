//! What a table and an index are.

use std::hash::{Hash, Hasher};

/// A table: documents under keys of one fixed length, found by key or by a declared index.
///
/// Tables are constants in [`crate::schema`]; two of them are the same table if and only if their
/// names are equal.
#[derive(Debug)]
pub struct Table {
    /// The name of the collection.
    pub name: &'static str,
    /// The length of every key. MongoDB orders binary by length first, so it is one length.
    pub key_len: usize,
    /// The indexes, in the order in which duplicates are looked for.
    pub indexes: &'static [Index],
    /// Top-level fields that [`crate::Projection::Light`] leaves out.
    pub heavy: &'static [&'static str],
}

/// An index over fields of a table's documents.
///
/// A document is in the index if and only if all of the fields are present and not null. The
/// values of one field must all be of one type: integer, string, binary, boolean or date.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    /// The name, unique within the table.
    pub name: &'static str,
    /// The fields in order; dotted paths reach into sub-documents.
    pub fields: &'static [&'static str],
    /// Whether two documents may not have the same values.
    pub unique: bool,
}

impl Table {
    /// The index called `name`.
    pub fn index(&self, name: &str) -> Option<&'static Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Whether documents of this table carry positions that readers follow.
    pub fn is_stream(&self) -> bool {
        self.index("ws").is_some()
    }
}

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

impl Hash for Table {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
