//! Batches, numbers, outcomes.

use std::collections::BTreeMap;
use std::ops::Bound;

use futures::future::join_all;
use gantry_store::bson::{Document, doc};
use gantry_store::schema::{DATA, FILLER, ROOM, UNIQ};
use gantry_store::{Batch, Key, Outcome, Position, Scan, Stamp, Store, room_key};

use crate::fixture::{Fixture, commit};

pub(crate) fn log_key(n: u64) -> Key {
    room_key(1, b'L', n)
}

pub(crate) fn data_key(n: u8) -> Key {
    vec![n; 33]
}

/// A batch of one log entry.
pub(crate) fn entry(n: u64, doc: Document) -> Batch {
    let mut batch = Batch::new();
    batch.insert_stamped(ROOM, log_key(n), doc, Stamp::Position);
    batch
}

/// Every number that a document bears, and the document's key.
pub(crate) async fn borne(store: &Store) -> Vec<(u64, Key)> {
    let mut borne = Vec::new();
    for table in [ROOM, DATA] {
        let scan = Scan::index("ws", vec![1.into()]).between(Bound::Unbounded, Bound::Unbounded);
        for (key, doc) in store.scan::<Document>(table, scan).await.expect("scans") {
            // A filler of this table was laid beside the one that counts.
            if table != DATA || key[16] != FILLER {
                borne.push((doc.get_i64("s").expect("a number") as u64, key));
            }
        }
    }
    borne.sort();
    borne
}

/// Asserts that the numbers up to `last` are borne by one document each.
pub(crate) async fn assert_dense(store: &Store, last: u64) {
    let numbers: Vec<u64> = borne(store).await.into_iter().map(|(s, _)| s).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
}

fn position(s: u64) -> Position {
    Position { w: 1, s }
}

pub(crate) async fn a_batch_stops_at_its_first_conflict(fixture: &Fixture) {
    let store = fixture.store().await;
    store
        .commit(entry(2, doc! { "rid": 1, "le": "taken" }))
        .await
        .expect("commits");

    let outcomes = commit(&store, |batch| {
        batch
            .insert(ROOM, log_key(1), doc! { "a": 1 })
            .put(UNIQ, vec![1; 16], doc! { "b": 1 })
            .insert(ROOM, log_key(2), doc! { "c": 1 })
            .insert(ROOM, log_key(3), doc! { "d": 1 })
            .put(UNIQ, vec![2; 16], doc! { "e": 1 });
    })
    .await;

    let expected = [
        Outcome::Applied(None),
        Outcome::Applied(None),
        Outcome::Conflict { index: None },
        Outcome::NotReached,
        Outcome::NotReached,
    ];
    assert_eq!(outcomes, expected);
    assert!(
        store
            .get::<Document>(ROOM, &log_key(1))
            .await
            .expect("read")
            .is_some()
    );
    assert!(
        store
            .get::<Document>(ROOM, &log_key(3))
            .await
            .expect("read")
            .is_none()
    );
    assert!(
        store
            .get::<Document>(UNIQ, &[2; 16])
            .await
            .expect("read")
            .is_none()
    );
    store.shutdown().await;
}

pub(crate) async fn batches_do_not_disturb_each_other(fixture: &Fixture) {
    let store = fixture.store().await;
    for n in 0..5 {
        store
            .commit(entry(n * 10, doc! { "first": true }))
            .await
            .expect("commits");
    }

    let batches = (0..50).map(|n| {
        let mut batch = entry(n, doc! { "n": n as i64 });
        batch.insert(UNIQ, vec![n as u8; 16], doc! { "n": n as i64 });
        batch.insert_stamped(
            ROOM,
            log_key(100 + n),
            doc! { "n": n as i64 },
            Stamp::Position,
        );
        store.commit(batch)
    });
    let outcomes = join_all(batches).await;

    for (n, outcomes) in outcomes.into_iter().enumerate() {
        let applied = outcomes
            .expect("commits")
            .iter()
            .filter(|one| one.is_applied())
            .count();
        assert_eq!(applied, if n % 10 == 0 { 0 } else { 3 }, "{n}");
    }
    assert_dense(&store, 105).await;
    store.shutdown().await;
}

pub(crate) async fn positions_follow_the_order_of_commits(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut batch = entry(1, doc! { "pw": { "w": 9_i64, "s": 9_i64 } });
    batch
        .insert(UNIQ, vec![1; 16], doc! { "plain": true })
        .insert_stamped(ROOM, log_key(2), doc! {}, Stamp::PositionAfterPrevious)
        .put_if_stamped(DATA, data_key(1), None, doc! { "v": 1_i64 });
    let mut alone = Batch::new();
    let before = doc! { "pw": { "w": 1_i64, "s": 2_i64 } };
    alone.insert_stamped(ROOM, log_key(3), before, Stamp::PositionAfterPrevious);

    let (first, second) = futures::join!(store.commit(batch), store.commit(alone));

    let positions =
        |outcomes: Vec<Outcome>| -> Vec<_> { outcomes.iter().map(Outcome::position).collect() };
    let first = positions(first.expect("commits"));
    assert_eq!(
        first,
        [
            Some(position(1)),
            None,
            Some(position(2)),
            Some(position(3))
        ]
    );
    assert_eq!(positions(second.expect("commits")), [Some(position(4))]);
    let keys = [1, 2, 3].map(log_key);
    let stored = store
        .multi_get::<Document>(ROOM, &keys)
        .await
        .expect("read");
    let at = |s: i64, pw: (i64, i64)| {
        doc! { "pw": { "w": pw.0, "s": pw.1 }, "w": 1_i64, "s": s }
    };
    assert_eq!(stored[0], Some(at(1, (9, 9))));
    assert_eq!(
        stored[1].as_ref().and_then(|doc| doc.get("pw")),
        at(2, (1, 1)).get("pw")
    );
    assert_eq!(stored[2], Some(at(4, (1, 2))));
    store.shutdown().await;
}

pub(crate) async fn each_number_is_borne_by_one_document(fixture: &Fixture) {
    let store = fixture.store().await;

    // Sixteen rooms' worth of callers, of whom most lose.
    let commits = (0..64_u64).map(|n| {
        let mut batch = entry(n % 8, doc! { "by": n as i64 });
        let next = doc! { "by": n as i64 };
        batch.insert_stamped(ROOM, log_key(20 + n), next, Stamp::PositionAfterPrevious);
        batch.put_if_stamped(DATA, data_key(n as u8), None, doc! { "v": 1_i64 });
        store.commit(batch)
    });
    join_all(commits)
        .await
        .into_iter()
        .for_each(|outcomes| drop(outcomes.expect("commits")));

    assert_dense(&store, 64 * 3).await;
    let fillers = store
        .scan::<Document>(ROOM, Scan::prefix(&[0; 8]))
        .await
        .expect("scans");
    assert_eq!(fillers.len(), 56 * 3);
    let (key, filler) = &fillers[0];
    let s = filler.get_i64("s").expect("a number");
    assert_eq!(key, &room_key(0, FILLER, position(s as u64).packed()));
    assert_eq!(filler, &doc! { "w": 1_i64, "s": s });
    store.shutdown().await;
}

pub(crate) async fn outcomes_are_what_is_stored(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut sent: BTreeMap<u64, Vec<(Key, i64)>> = BTreeMap::new();

    let mut commits = Vec::new();
    for n in 0..120_u64 {
        let mut batch = Batch::new();
        for step in 0..=n % 7 {
            // Few keys, so that callers meet everywhere within their chains.
            let key = log_key((n * 31 + step * 17) % 150);
            let mark = (n * 10 + step) as i64;
            let stamp = if step % 2 == 0 {
                Stamp::PositionAfterPrevious
            } else {
                Stamp::None
            };
            batch.insert_stamped(ROOM, key.clone(), doc! { "mark": mark }, stamp);
            sent.entry(n).or_default().push((key, mark));
        }
        commits.push(store.commit(batch));
    }
    let outcomes = join_all(commits).await;

    for (chain, outcomes) in sent.into_values().zip(outcomes) {
        let mut is_reached = true;
        for ((key, mark), outcome) in chain.into_iter().zip(outcomes.expect("commits")) {
            let stored: Option<Document> = store.get(ROOM, &key).await.expect("read");
            let is_mine = stored.is_some_and(|doc| doc.get_i64("mark").ok() == Some(mark));
            assert_eq!(outcome.is_applied(), is_mine);
            assert_eq!(outcome != Outcome::NotReached, is_reached);
            is_reached &= outcome.is_applied();
        }
    }
    let last = store.cut().mark(1);
    assert_dense(&store, last).await;
    store.shutdown().await;
}

pub(crate) async fn a_commit_outlives_its_caller(fixture: &Fixture) {
    let store = fixture.store().await;

    let abandoned = store.commit(entry(1, doc! { "abandoned": true }));
    tokio::select! {
        biased;
        _ = abandoned => unreachable!("it needs the committer's answer"),
        () = std::future::ready(()) => {}
    }
    store.commit(entry(2, doc! {})).await.expect("commits");

    assert!(
        store
            .get::<Document>(ROOM, &log_key(1))
            .await
            .expect("read")
            .is_some()
    );
    assert_dense(&store, 2).await;
    store.shutdown().await;
}
