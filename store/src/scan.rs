//! Reads of several documents in order.

use std::ops::Bound;

use bson::{Bson, RawDocumentBuf};

use crate::key::after_prefix;
use crate::{Error, Key, Result, Table};

/// A document with its key.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The key.
    pub key: Key,
    /// The document, without its key.
    pub doc: RawDocumentBuf,
}

/// Which fields a read brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Projection {
    /// All.
    Full,
    /// All but the table's heavy ones.
    Light,
    /// `w`, `s` and `pw` only.
    Position,
}

/// The order of a scan, and its bounds.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "scans are few and live shortly")]
pub enum ScanBy {
    /// By key. A bound that is shorter than a key stands before all keys that it begins.
    Key {
        /// The lower bound.
        from: Bound<Key>,
        /// The upper bound.
        to: Bound<Key>,
    },
    /// By an index, then by key.
    Index {
        /// The name of the index.
        index: &'static str,
        /// The values of its first fields.
        eq: Vec<Bson>,
        /// The bounds of the field after those.
        range: Option<(Bound<Bson>, Bound<Bson>)>,
    },
}

/// A read of documents in the order of their keys or of an index.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The order, and the bounds.
    pub by: ScanBy,
    /// Whether the last comes first.
    pub reverse: bool,
    /// How many documents at most.
    pub limit: usize,
    /// Which fields.
    pub projection: Projection,
}

impl Scan {
    /// All documents whose key begins with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let to = after_prefix(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        Self::range(Bound::Included(prefix.to_vec()), to)
    }

    /// All documents whose key lies between the bounds.
    pub fn range(from: Bound<Key>, to: Bound<Key>) -> Self {
        Self::by(ScanBy::Key { from, to })
    }

    /// All documents whose first fields of an index have these values.
    pub fn index(index: &'static str, eq: Vec<Bson>) -> Self {
        Self::by(ScanBy::Index {
            index,
            eq,
            range: None,
        })
    }

    /// Narrows a scan by index to bounds of the next field. A scan by key has its bounds from
    /// [`Scan::range`] and is not changed.
    #[must_use]
    pub fn between(mut self, from: Bound<Bson>, to: Bound<Bson>) -> Self {
        if let ScanBy::Index { range, .. } = &mut self.by {
            *range = Some((from, to));
        }
        self
    }

    /// The last document first.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// At most `limit` documents.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Without the heavy fields.
    #[must_use]
    pub fn light(mut self) -> Self {
        self.projection = Projection::Light;
        self
    }

    fn by(by: ScanBy) -> Self {
        Self {
            by,
            reverse: false,
            limit: usize::MAX,
            projection: Projection::Full,
        }
    }

    /// Checks the scan against the table and lengthens its bounds to whole keys.
    pub(crate) fn resolve(mut self, table: &'static Table) -> Result<Self> {
        match &mut self.by {
            ScanBy::Key { from, to } => {
                *from = match whole(table, from)? {
                    Bound::Excluded((key, true)) => Bound::Excluded(key),
                    Bound::Included((key, _)) | Bound::Excluded((key, false)) => {
                        Bound::Included(key)
                    }
                    Bound::Unbounded => Bound::Unbounded,
                };
                *to = match whole(table, to)? {
                    Bound::Included((key, true)) => Bound::Included(key),
                    Bound::Excluded((key, _)) | Bound::Included((key, false)) => {
                        Bound::Excluded(key)
                    }
                    Bound::Unbounded => Bound::Unbounded,
                };
            }
            ScanBy::Index { index, eq, range } => {
                let fields = table
                    .index(index)
                    .ok_or(Error::UnknownIndex {
                        table: table.name,
                        index,
                    })?
                    .fields
                    .len();
                if eq.len() + usize::from(range.is_some()) > fields {
                    return Err(Error::UnknownIndex {
                        table: table.name,
                        index,
                    });
                }
            }
        }
        Ok(self)
    }
}

/// A bound lengthened with zeros to a whole key, and whether it was one already.
fn whole(table: &Table, bound: &Bound<Key>) -> Result<Bound<(Key, bool)>> {
    let lengthen = |key: &Key| {
        let is_whole = key.len() == table.key_len;
        let mut key = key.clone();
        key.resize(table.key_len, 0);
        (key, is_whole)
    };
    match bound {
        Bound::Included(key) | Bound::Excluded(key) if key.len() > table.key_len => {
            Err(Error::KeyLength {
                table: table.name,
                expected: table.key_len,
                found: key.len(),
            })
        }
        Bound::Included(key) => Ok(Bound::Included(lengthen(key))),
        Bound::Excluded(key) => Ok(Bound::Excluded(lengthen(key))),
        Bound::Unbounded => Ok(Bound::Unbounded),
    }
}
