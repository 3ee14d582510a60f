//! A process that ends in the middle of a command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::future::join_all;
use gantry_store::bson::{Document, RawDocumentBuf, doc};
use gantry_store::schema::ROOM;
use gantry_store::{
    Engine, Error, Feed, Key, Op, Projection, Result, Scan, Settled, Stamp, Store, Stored, Table,
};

use crate::commits::{assert_dense, entry, log_key};
use crate::fixture::Fixture;

/// Applies a prefix of each batch of one call and then nothing any more.
struct Crashing {
    inner: Arc<dyn Engine>,
    /// Calls until then.
    left: AtomicUsize,
    /// Operations kept of batch number n: `(n * this) % (length + 1)`.
    step: usize,
}

#[async_trait]
impl Engine for Crashing {
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
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        if left > 1 {
            return self.inner.apply(batches).await;
        }
        let prefixes = batches.iter().enumerate().map(|(n, ops)| {
            let length = (n + 1) * self.step % (ops.len() + 1);
            ops[..length].to_vec()
        });
        self.inner.apply(prefixes.collect()).await?;
        Err(Error::Engine("the process is gone".into()))
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
        self.inner.take_one(table, prefix).await
    }

    async fn watch(&self) -> Result<Option<Feed>> {
        Ok(None)
    }

    async fn close(&self) {}
}

pub(crate) async fn a_crash_leaves_prefixes_and_its_numbers_are_filled(fixture: &Fixture) {
    let mut base = 0;
    for (left, step) in (3..11).zip([1, 2, 3, 5, 7, 11, 13, 17]) {
        base += 1_000;
        let engine = fixture.engine().await;
        let crashing = Crashing {
            inner: Arc::clone(&engine),
            left: left.into(),
            step,
        };
        let store = Store::open(Arc::new(crashing), "node")
            .await
            .expect("opens");
        run_until_crash(&store, base).await;
        drop(store);

        let store = fixture.store_on(&engine).await;

        for chain in 0..12 {
            let keys: Vec<Key> = (0..4).map(|n| log_key(base + chain * 10 + n)).collect();
            let found = store
                .multi_get::<Document>(ROOM, &keys)
                .await
                .expect("read");
            let stored: Vec<bool> = found.iter().map(Option::is_some).collect();
            assert!(
                stored.is_sorted_by(|a, b| a >= b),
                "{stored:?} is no prefix"
            );
        }
        let last = store.cut().mark(1);
        assert_dense(&store, last).await;
        store.shutdown().await;
    }
}

/// Chains of four, some of which meet a conflict, until the engine is gone.
async fn run_until_crash(store: &Store, base: u64) {
    loop {
        let commits = (0..12).map(|chain| {
            let mut batch = entry(base + chain * 10, doc! { "chain": chain as i64 });
            for n in 1..4 {
                let key = log_key(base + chain * 10 + n);
                batch.insert_stamped(ROOM, key, doc! {}, Stamp::PositionAfterPrevious);
            }
            store.commit(batch)
        });
        if join_all(commits).await.iter().any(Result::is_err) {
            return;
        }
    }
}
