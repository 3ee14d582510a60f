//! An engine whose writes a test takes in hand.

use std::sync::Arc;

use async_trait::async_trait;
use bson::RawDocumentBuf;
use futures::future::BoxFuture;

use crate::{Engine, Feed, Key, Op, Projection, Result, Scan, Settled, Snapshot, Stored, Table};

/// Passes everything to another engine, but for what is applied: a function does with it what it
/// likes.
pub struct Applying {
    inner: Arc<dyn Engine>,
    apply: Box<Apply>,
    is_alone: bool,
}

type Apply = dyn Fn(Arc<dyn Engine>, Batches) -> BoxFuture<'static, Result<Settled>> + Send + Sync;

/// What [`Engine::apply`] takes.
pub type Batches = Arc<[Vec<Op>]>;

impl Applying {
    /// Wraps an engine, which is given to the function each time.
    pub fn new<F, A>(inner: Arc<dyn Engine>, apply: F) -> Self
    where
        F: Fn(Arc<dyn Engine>, Batches) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Settled>> + Send + 'static,
    {
        Self {
            inner,
            apply: Box::new(move |inner, batches| Box::pin(apply(inner, batches))),
            is_alone: false,
        }
    }

    /// The same for a store that takes no other node for possible.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }
}

#[async_trait]
impl Engine for Applying {
    async fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        self.inner.get_many(table, keys, projection).await
    }

    async fn scan_many(&self, table: &'static Table, scans: &[Scan]) -> Result<Vec<Vec<Stored>>> {
        self.inner.scan_many(table, scans).await
    }

    async fn apply(&self, batches: Batches) -> Result<Settled> {
        (self.apply)(Arc::clone(&self.inner), batches).await
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
        self.inner.take_one(table, prefix).await
    }

    async fn watch(&self) -> Result<Option<Feed>> {
        match self.is_alone {
            true => Ok(None),
            false => self.inner.watch().await,
        }
    }

    fn require_room(&self) -> Result<()> {
        self.inner.require_room()
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.snapshot()
    }

    async fn check(&self) -> Result<Vec<String>> {
        self.inner.check().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
