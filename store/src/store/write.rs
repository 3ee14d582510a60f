//! Writes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Store, from_raw, to_document};
use crate::{Batch, Error, Key, Op, Outcome, Result, Stamp, Table};

impl Store {
    /// Commits a batch: when this returns, what was applied is durable, can be read, and lies
    /// within [`Store::cut`]. Once it has been polled, the commit goes on even if the future is
    /// dropped.
    pub async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>> {
        self.inner.committer.commit(batch).await
    }

    /// Stores a document whose key must be free. False: the key, or a value that must be unique,
    /// is taken.
    pub async fn insert_new<T: Serialize>(
        &self,
        table: &'static Table,
        key: Key,
        value: &T,
    ) -> Result<bool> {
        let doc = to_document(table, value)?;
        Ok(self
            .commit_one(Op::Insert { table, key, doc })
            .await?
            .is_applied())
    }

    /// Replaces a document if its `v` is as expected (`None`: there is none); `value` carries its
    /// own new `v`. False: it is another one.
    pub async fn put_if<T: Serialize>(
        &self,
        table: &'static Table,
        key: Key,
        expected: Option<i64>,
        value: &T,
    ) -> Result<bool> {
        let doc = to_document(table, value)?;
        Ok(self
            .commit_one(Op::PutIf {
                table,
                key,
                expected,
                doc,
            })
            .await?
            .is_applied())
    }

    /// Stores a document whatever was there: for caches and documents with one owner only.
    pub async fn put<T: Serialize>(
        &self,
        table: &'static Table,
        key: Key,
        value: &T,
    ) -> Result<()> {
        let doc = to_document(table, value)?;
        match self.commit_one(Op::Put { table, key, doc }).await? {
            Outcome::Conflict { index } => Err(Error::Duplicate {
                table: table.name,
                index: index.unwrap_or("_id"),
            }),
            Outcome::Applied(_) | Outcome::NotReached => Ok(()),
        }
    }

    /// Removes a document, if there is one.
    pub async fn delete(&self, table: &'static Table, key: Key) -> Result<()> {
        self.commit_one(Op::Delete { table, key }).await.map(|_| ())
    }

    /// Removes the first document whose key begins with `prefix` and returns it; of several
    /// callers at once, one gets it.
    pub async fn take_one<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        prefix: &[u8],
    ) -> Result<Option<(Key, T)>> {
        let taken = self.inner.engine.take_one(table, prefix).await?;
        taken
            .map(|one| Ok((one.key, from_raw(table, &one.doc)?)))
            .transpose()
    }

    pub(crate) async fn commit_one(&self, op: Op) -> Result<Outcome> {
        let mut batch = Batch::new();
        batch.push(op, Stamp::None);
        self.commit(batch).await?.pop().ok_or(Error::Closed)
    }
}
