//! A storage engine that is far away.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use gantry_store::{
    Engine, Feed, Key, Op, Projection, Result, Scan, Settled, Snapshot, Stored, Table,
    bson::RawDocumentBuf,
};
use tokio::time::sleep;

/// Passes everything to another engine, a while later: on a clock that stands still but for such
/// pauses, the time that something takes is the number of round trips that follow each other.
pub(crate) struct Slow {
    pub(crate) inner: Arc<dyn Engine>,
    pub(crate) round_trip: Duration,
}

#[async_trait]
impl Engine for Slow {
    async fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        sleep(self.round_trip).await;
        self.inner.get_many(table, keys, projection).await
    }

    async fn scan_many(&self, table: &'static Table, scans: &[Scan]) -> Result<Vec<Vec<Stored>>> {
        sleep(self.round_trip).await;
        self.inner.scan_many(table, scans).await
    }

    async fn apply(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled> {
        sleep(self.round_trip).await;
        self.inner.apply(batches).await
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
        sleep(self.round_trip).await;
        self.inner.take_one(table, prefix).await
    }

    async fn watch(&self) -> Result<Option<Feed>> {
        self.inner.watch().await
    }

    fn snapshot(&self) -> Snapshot {
        self.inner.snapshot()
    }

    async fn check(&self) -> Result<Vec<String>> {
        self.inner.check().await
    }

    fn require_room(&self) -> Result<()> {
        self.inner.require_room()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
