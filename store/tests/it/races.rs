//! Many callers at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use gantry_store::bson::{Document, doc};
use gantry_store::schema::{FILTER, UNIQ};
use gantry_store::{Batch, Key, Store};
use tokio_util::task::TaskTracker;

use crate::fixture::Fixture;

fn key(n: u64) -> Key {
    [&[1; 16], &n.to_be_bytes()[..]].concat()
}

/// Runs `work` sixteen times at once on tasks of their own.
async fn sixteen<R: Send + 'static, F: Future<Output = R> + Send + 'static>(
    store: &Store,
    work: impl Fn(Store, i64) -> F,
) -> Vec<R> {
    let tracker = TaskTracker::new();
    let tasks = (0..16).map(|n| tracker.spawn(work(store.clone(), n)));
    join_all(tasks)
        .await
        .into_iter()
        .map(|result| result.expect("no panic"))
        .collect()
}

pub(crate) async fn of_many_inserts_one_wins(fixture: &Fixture) {
    let store = fixture.store().await;

    let won = sixteen(&store, |store, n| async move {
        store
            .insert_new(UNIQ, vec![7; 16], &doc! { "owner": n })
            .await
            .expect("answered")
    })
    .await;

    let winner = won.iter().position(|won| *won).expect("a winner") as i64;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let stored = store.get::<Document>(UNIQ, &[7; 16]).await.expect("read");
    assert_eq!(stored, Some(doc! { "owner": winner }));
    store.shutdown().await;
}

pub(crate) async fn no_put_if_is_lost(fixture: &Fixture) {
    let store = fixture.store().await;
    let start = doc! { "v": 0_i64, "by": -1_i64 };
    store
        .insert_new(UNIQ, vec![7; 16], &start)
        .await
        .expect("stored");

    sixteen(&store, |store, n| async move {
        let mut done = 0;
        while done < 3 {
            let old: Document = store
                .get(UNIQ, &[7; 16])
                .await
                .expect("read")
                .expect("is there");
            let v = old.get_i64("v").expect("a version");
            let new = doc! { "v": v + 1, "by": n };
            if store
                .put_if(UNIQ, vec![7; 16], Some(v), &new)
                .await
                .expect("answered")
            {
                done += 1;
            }
        }
    })
    .await;

    let last: Document = store
        .get(UNIQ, &[7; 16])
        .await
        .expect("read")
        .expect("is there");
    assert_eq!(last.get_i64("v").expect("a version"), 48);
    store.shutdown().await;
}

pub(crate) async fn each_document_is_taken_once(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut batch = Batch::new();
    for n in 0..40 {
        batch.insert(FILTER, key(n), doc! { "n": n as i64 });
    }
    batch.insert(FILTER, vec![2; 24], doc! { "other": true });
    store.commit(batch).await.expect("stored");

    let taken = sixteen(&store, |store, _| async move {
        let mut mine = Vec::new();
        while let Some((_, doc)) = store
            .take_one::<Document>(FILTER, &[1; 16])
            .await
            .expect("answered")
        {
            mine.push(doc.get_i64("n").expect("a number"));
        }
        mine
    })
    .await
    .concat();

    assert_eq!(taken.len(), 40);
    assert_eq!(
        taken.into_iter().collect::<BTreeSet<_>>(),
        (0..40).collect()
    );
    assert!(
        store
            .get::<Document>(FILTER, &[2; 24])
            .await
            .expect("read")
            .is_some()
    );
    store.shutdown().await;
}
