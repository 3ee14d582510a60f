//! A process that ends in the middle of a command.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use gantry_store::bson::{Document, doc};
use gantry_store::schema::ROOM;
use gantry_store::testing::{Applying, Batches};
use gantry_store::{Engine, Error, Key, Result, Stamp, Store};

use crate::commits::{assert_dense, entry, log_key};
use crate::fixture::Fixture;

/// Applies a prefix of each batch of one call and then nothing any more.
fn crashing(inner: &Arc<dyn Engine>, calls: usize, step: usize) -> Applying {
    let left = AtomicUsize::new(calls);
    Applying::new(Arc::clone(inner), move |inner, batches: Batches| {
        let is_last = left.fetch_sub(1, Ordering::Relaxed) <= 1;
        async move {
            if !is_last {
                return inner.apply(batches).await;
            }
            let prefixes = batches.iter().enumerate().map(|(n, ops)| {
                let length = (n + 1) * step % (ops.len() + 1);
                ops[..length].to_vec()
            });
            inner.apply(prefixes.collect()).await?;
            Err(Error::Engine("the process is gone".into()))
        }
    })
    .alone()
}

pub(crate) async fn a_crash_leaves_prefixes_and_its_numbers_are_filled(fixture: &Fixture) {
    let mut base = 0;
    for (left, step) in (3..11).zip([1, 2, 3, 5, 7, 11, 13, 17]) {
        base += 1_000;
        let engine = fixture.engine().await;
        let store = Store::open(Arc::new(crashing(&engine, left, step)), "node")
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
