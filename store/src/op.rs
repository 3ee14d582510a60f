//! Writes: operations, batches of them, and what became of each.

use bson::Document;

use crate::{Key, Position, Table};

/// One write.
#[derive(Clone, Debug)]
pub enum Op {
    /// Stores a document whose key must be free.
    ///
    /// After an unknown outcome the same bytes at the same key count as this insert, so a document
    /// that two callers could write alike must carry something of its caller.
    Insert {
        /// The table.
        table: &'static Table,
        /// The key.
        key: Key,
        /// The document.
        doc: Document,
    },
    /// Replaces a document if its field `v` is as expected; the new document carries its own `v`.
    PutIf {
        /// The table.
        table: &'static Table,
        /// The key.
        key: Key,
        /// The `v` that must be stored now; `None`: the key must be free.
        expected: Option<i64>,
        /// The document.
        doc: Document,
    },
    /// Stores a document whatever was there. For caches and documents with one owner only.
    Put {
        /// The table.
        table: &'static Table,
        /// The key.
        key: Key,
        /// The document.
        doc: Document,
    },
    /// Removes a document, if there is one.
    Delete {
        /// The table.
        table: &'static Table,
        /// The key.
        key: Key,
    },
}

impl Op {
    /// The table that is written.
    pub fn table(&self) -> &'static Table {
        match self {
            Self::Insert { table, .. }
            | Self::PutIf { table, .. }
            | Self::Put { table, .. }
            | Self::Delete { table, .. } => table,
        }
    }

    /// The key that is written.
    pub fn key(&self) -> &Key {
        match self {
            Self::Insert { key, .. }
            | Self::PutIf { key, .. }
            | Self::Put { key, .. }
            | Self::Delete { key, .. } => key,
        }
    }

    /// The document that is written.
    pub fn doc(&self) -> Option<&Document> {
        match self {
            Self::Insert { doc, .. } | Self::PutIf { doc, .. } | Self::Put { doc, .. } => Some(doc),
            Self::Delete { .. } => None,
        }
    }

    pub(crate) fn doc_mut(&mut self) -> Option<&mut Document> {
        match self {
            Self::Insert { doc, .. } | Self::PutIf { doc, .. } | Self::Put { doc, .. } => Some(doc),
            Self::Delete { .. } => None,
        }
    }
}

/// Whether a document receives a position when it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// It receives none.
    None,
    /// The fields `w` and `s` are set.
    Position,
    /// As [`Stamp::Position`], and `pw` is set to `{w, s}` of the stamped operation before it in
    /// this batch. If there is none, `pw` stays as the caller wrote it.
    PositionAfterPrevious,
}

/// An operation of a batch.
#[derive(Clone, Debug)]
pub struct BatchOp {
    /// What to write.
    pub op: Op,
    /// Whether it receives a position. Only documents of stream tables may.
    pub stamp: Stamp,
}

/// A chain of operations: if one conflicts, those before it may have been applied and those after
/// it are not. A crash may leave any prefix. A key occurs once in a batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The operations in order; under 1,000.
    pub ops: Vec<BatchOp>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// Adds an operation.
    pub fn push(&mut self, op: Op, stamp: Stamp) -> &mut Self {
        self.ops.push(BatchOp { op, stamp });
        self
    }

    /// Adds [`Op::Insert`] without a position.
    pub fn insert(&mut self, table: &'static Table, key: Key, doc: Document) -> &mut Self {
        self.push(Op::Insert { table, key, doc }, Stamp::None)
    }

    /// Adds [`Op::Insert`] with a stamp.
    pub fn insert_stamped(
        &mut self,
        table: &'static Table,
        key: Key,
        doc: Document,
        stamp: Stamp,
    ) -> &mut Self {
        self.push(Op::Insert { table, key, doc }, stamp)
    }

    /// Adds [`Op::PutIf`] without a position.
    pub fn put_if(
        &mut self,
        table: &'static Table,
        key: Key,
        expected: Option<i64>,
        doc: Document,
    ) -> &mut Self {
        self.push(
            Op::PutIf {
                table,
                key,
                expected,
                doc,
            },
            Stamp::None,
        )
    }

    /// Adds [`Op::PutIf`] with a position.
    pub fn put_if_stamped(
        &mut self,
        table: &'static Table,
        key: Key,
        expected: Option<i64>,
        doc: Document,
    ) -> &mut Self {
        self.push(
            Op::PutIf {
                table,
                key,
                expected,
                doc,
            },
            Stamp::Position,
        )
    }

    /// Adds [`Op::Put`].
    pub fn put(&mut self, table: &'static Table, key: Key, doc: Document) -> &mut Self {
        self.push(Op::Put { table, key, doc }, Stamp::None)
    }

    /// Adds [`Op::Delete`].
    pub fn delete(&mut self, table: &'static Table, key: Key) -> &mut Self {
        self.push(Op::Delete { table, key }, Stamp::None)
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Durable, with the position it received.
    Applied(Option<Position>),
    /// Something is in the way.
    Conflict {
        /// The unique index that holds the same values; `None`: the key is taken, or the version
        /// is another one.
        index: Option<&'static str>,
    },
    /// An operation before it in the batch conflicted.
    NotReached,
}

impl Outcome {
    /// Whether the operation was applied.
    pub fn is_applied(&self) -> bool {
        matches!(self, Self::Applied(_))
    }

    /// The position that the operation's document received.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Applied(position) => *position,
            Self::Conflict { .. } | Self::NotReached => None,
        }
    }
}
