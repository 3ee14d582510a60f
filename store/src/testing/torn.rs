//! An engine that loses answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bson::RawDocumentBuf;

use crate::{
    Engine, Error, Feed, Key, Op, Projection, Result, Scan, Settled, Snapshot, Stored, Table,
};

/// Passes everything to another engine, but every now and then applies only a random prefix of
/// each batch, or all of it, and reports that the outcome is unknown.
pub struct TornEngine {
    inner: Arc<dyn Engine>,
    random: AtomicU64,
    torn: AtomicU64,
}

impl TornEngine {
    /// Wraps an engine; the same seed tears the same calls at the same places.
    pub fn new(inner: Arc<dyn Engine>, seed: u64) -> Self {
        Self {
            inner,
            random: AtomicU64::new(seed),
            torn: AtomicU64::new(0),
        }
    }

    /// How many calls were torn so far.
    pub fn torn(&self) -> u64 {
        self.torn.load(Ordering::Relaxed)
    }

    /// A number below `end`: SplitMix64, which needs no state but a counter.
    fn draw(&self, end: usize) -> usize {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self
            .random
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % end as u64) as usize
    }
}

#[async_trait]
impl Engine for TornEngine {
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

    async fn apply(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled> {
        if self.draw(2) == 0 {
            return self.inner.apply(batches).await;
        }
        self.torn.fetch_add(1, Ordering::Relaxed);
        let prefix = |ops: &Vec<Op>| match self.draw(3) {
            0 => ops.clone(),
            _ => ops[..self.draw(ops.len() + 1)].to_vec(),
        };
        self.inner
            .apply(batches.iter().map(prefix).collect())
            .await?;
        Err(Error::Unavailable("torn on purpose".into()))
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
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

    async fn close(&self) {
        self.inner.close().await;
    }
}
