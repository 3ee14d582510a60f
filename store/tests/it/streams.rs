//! Cuts and changes.

use futures::future::join_all;
use gantry_store::bson::doc;
use gantry_store::schema::{DATA, ROOM};
use gantry_store::{Batch, Cut, Error, Outcome, Store};
use tokio_util::task::TaskTracker;

use crate::commits::{assert_dense, data_key, entry};
use crate::fixture::{Fixture, commit};

pub(crate) async fn the_cut_contains_what_returned_and_never_goes_back(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut cuts = store.subscribe();
    let tracker = TaskTracker::new();
    let follower = tracker.spawn(async move {
        let mut last = cuts.borrow().clone();
        while cuts.changed().await.is_ok() {
            let next = cuts.borrow_and_update().clone();
            assert_eq!(next.max(&last), next);
            last = next;
        }
        last
    });

    let commits = (0..60_u64).map(|n| {
        let store = store.clone();
        tracker.spawn(async move {
            let outcomes = store.commit(entry(n % 40, doc! { "n": n as i64 })).await;
            for position in outcomes
                .expect("commits")
                .iter()
                .filter_map(Outcome::position)
            {
                assert!(store.cut().contains(position));
            }
        })
    });
    join_all(commits)
        .await
        .into_iter()
        .for_each(|task| task.expect("no panic"));

    assert_dense(&store, 60).await;
    store.shutdown().await;
    drop(store);
    assert_eq!(follower.await.expect("no panic").mark(1), 60);
}

pub(crate) async fn changes_are_equal_from_memory_and_from_the_index(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let store = fixture.store_on(&engine).await;
    let start = store.cut();
    fill(&store).await;
    let end = store.cut();
    let cuts: Vec<Cut> = (0..=end.mark(1)).map(|s| cut_at(&start, s)).collect();

    // A store that was just opened remembers nothing.
    let other = fixture.store_on(&engine).await;

    assert_eq!(other.cut().max(&end), other.cut());
    for since in &cuts {
        let remembered = store.changes(since, &end).await.expect("changes");
        let read = other.changes(since, &end).await.expect("changes");
        assert_eq!(remembered, read, "{since}");
        assert!(read.is_sorted_by_key(|change| change.position));
    }
    let all = store.changes(&start, &end).await.expect("changes");
    assert_eq!(all.iter().filter(|change| change.table == ROOM).count(), 10);
    let data: Vec<_> = all.iter().filter(|change| change.table == DATA).collect();
    assert_eq!(data.len(), 1);
    assert_eq!(
        (data[0].position.s, &data[0].key),
        (end.mark(1), &data_key(1))
    );
    assert!(
        store
            .changes(&end, &start)
            .await
            .expect("changes")
            .is_empty()
    );
    store.shutdown().await;
}

/// Ten entries, ten refused ones, and one document that is overwritten again and again.
async fn fill(store: &Store) {
    for n in 0..10 {
        store
            .commit(entry(n, doc! { "n": n as i64 }))
            .await
            .expect("commits");
        store
            .commit(entry(n, doc! { "again": n as i64 }))
            .await
            .expect("commits");
        let expected = n.checked_sub(1).map(|n| n as i64);
        commit(store, |batch| {
            batch.put_if_stamped(DATA, data_key(1), expected, doc! { "v": n as i64 });
        })
        .await;
    }
}

fn cut_at(start: &Cut, s: u64) -> Cut {
    let mut cut = start.clone();
    cut.advance(gantry_store::Position { w: 1, s });
    cut
}

pub(crate) async fn cuts_of_another_generation_are_refused(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut batch = Batch::new();
    batch.put_if_stamped(DATA, data_key(1), None, doc! { "v": 1_i64 });
    store.commit(batch).await.expect("commits");

    let refused = store
        .changes(&"g2_1.1".parse().expect("a cut"), &store.cut())
        .await;

    assert!(matches!(
        refused,
        Err(Error::OtherGeneration {
            expected: 1,
            found: 2
        })
    ));
    assert_eq!(store.cut().to_string(), "g1_1.1");
    store.shutdown().await;
}
