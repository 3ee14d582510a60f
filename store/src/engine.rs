//! What a storage engine does for the store.

use std::sync::Arc;

use async_trait::async_trait;
use bson::RawDocumentBuf;
use futures::stream::BoxStream;

use crate::{Key, Op, Position, Projection, Result, Scan, Signal, Stored, Table};

/// What an engine did with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Applied,
    /// Something is in the way: the key or version (`None`), or a unique index.
    Conflict {
        /// The index.
        index: Option<&'static str>,
    },
    /// An operation before it in the batch conflicted.
    NotReached,
}

/// What an engine did with every operation of every batch.
pub type Settled = Vec<Vec<Verdict>>;

/// What any process wrote, in the order of the engine.
pub type Feed = BoxStream<'static, Result<Told>>;

/// A write that an engine tells of.
#[derive(Debug)]
pub enum Told {
    /// A document with a position.
    Document {
        /// The table.
        table: &'static Table,
        /// The key.
        key: Key,
        /// Its position.
        position: Position,
        /// The position that it names as the one before it (`pw`).
        after: Option<Position>,
    },
    /// The row of a writer slot.
    Writer(RawDocumentBuf),
    /// What a node tells the others.
    Signal(Signal),
}

/// All documents of all tables as they stood at one moment: pages of one table after the other.
pub type Snapshot = BoxStream<'static, Result<(&'static Table, Vec<Stored>)>>;

/// A storage engine. Scans come resolved (bounds are whole keys), keys have the right length,
/// documents hold no nulls in indexed fields: [`crate::Store`] sees to it.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Reads documents by key, in the order asked for. What it returns cannot be rolled back.
    async fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>>;

    /// Runs several scans in one round trip.
    async fn scan_many(&self, table: &'static Table, scans: &[Scan]) -> Result<Vec<Vec<Stored>>>;

    /// Applies the batches and returns when the result is durable. Every key occurs once. The
    /// operations of a batch are applied in order, up to the first conflict; batches are
    /// independent. After [`crate::Error::Unavailable`] any prefix of any batch may be, or may yet
    /// become, applied.
    async fn apply(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled>;

    /// Removes the first document whose key begins with `prefix` and returns it; of several
    /// callers at once, one gets it.
    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>>;

    /// What is written from the moment on when this returns, by all processes; `None` if there can be
    /// no other.
    async fn watch(&self) -> Result<Option<Feed>>;

    /// Everything that is stored at this moment, whatever is written meanwhile.
    fn snapshot(&self) -> Snapshot {
        let reason = "this engine makes no snapshots";
        let error = crate::Error::Unsuitable(reason.to_owned());
        Box::pin(futures::stream::once(async { Err(error) }))
    }

    /// Looks for damage that the engine itself can see: indexes that do not fit their documents,
    /// broken files. One text per finding.
    async fn check(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Fails with [`crate::Error::Full`] where there is no room for a write. Asked before each.
    fn require_room(&self) -> Result<()> {
        Ok(())
    }

    /// Ends background work.
    async fn close(&self);
}
