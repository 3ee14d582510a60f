//! Several nodes on one MongoDB.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gantry_store::bson::{Document, doc};
use gantry_store::schema::{ROOM, WRITERS};
use gantry_store::testing::Applying;
use gantry_store::{Batch, Cut, Engine, Error, MongoEngine, Position, Stamp, Store};

use crate::commits::{entry, log_key};
use crate::fixture::{Fixture, Kind, all, run};

/// How long something may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// An engine of a node of its own.
async fn engine(fixture: &Fixture) -> Arc<dyn Engine> {
    let (uri, name) = fixture.mongodb().expect("this runs on MongoDB");
    Arc::new(MongoEngine::open(uri, name).await.expect("opens"))
}

/// An engine whose writes do not arrive while it is paused.
fn pausing(inner: Arc<dyn Engine>, is_paused: Arc<AtomicBool>) -> Applying {
    Applying::new(inner, move |inner, batches| {
        let is_paused = is_paused.load(Ordering::SeqCst);
        async move {
            if is_paused {
                return Err(Error::Unavailable("paused".into()));
            }
            inner.apply(batches).await
        }
    })
}

async fn node(fixture: &Fixture, name: &str) -> Store {
    Store::open(engine(fixture).await, name)
        .await
        .expect("opens")
}

/// Commits one entry that follows another, and returns its position.
async fn say(store: &Store, n: u64, after: Option<Position>) -> Position {
    let mut doc = doc! { "n": n as i64 };
    if let Some(after) = after {
        doc.insert("pw", after);
    }
    let mut batch = Batch::new();
    batch.insert_stamped(ROOM, log_key(n), doc, Stamp::PositionAfterPrevious);
    let outcomes = store.commit(batch).await.expect("commits");
    outcomes[0].position().expect("is applied")
}

/// Waits until a node has seen a position.
async fn sees(store: &Store, position: Position) {
    let mut cuts = store.subscribe();
    let seen = cuts.wait_for(|cut| cut.contains(position));
    tokio::time::timeout(PATIENCE, seen)
        .await
        .expect("in time")
        .expect("goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_node_sees_what_the_others_write_in_order() {
    run(Kind::mongodb, async |fixture| {
        let one = node(fixture, "one").await;
        let other = node(fixture, "other").await;
        let start = other.cut();

        let mut last = None;
        for n in 0..40 {
            let writer = if n % 3 == 0 { &one } else { &other };
            last = Some(say(writer, n, last).await);
        }
        let last = last.expect("something was said");
        for store in [&one, &other] {
            sees(store, last).await;
            let all = store.changes(&start, &store.cut()).await.expect("changes");
            assert_eq!(all.len(), 40);
        }

        // A third one begins where the others are.
        let third = node(fixture, "third").await;
        sees(&third, last).await;
        assert_eq!(
            third
                .changes(&start, &third.cut())
                .await
                .expect("changes")
                .len(),
            40
        );
        for store in [one, other, third] {
            store.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slot_of_a_paused_node_is_closed_and_it_goes_on_with_another() {
    run(Kind::mongodb, async |fixture| {
        let is_paused = Arc::new(AtomicBool::new(false));
        let engine = pausing(engine(fixture).await, Arc::clone(&is_paused));
        let one = Store::open(Arc::new(engine), "one").await.expect("opens");
        let other = node(fixture, "other").await;
        let before = say(&one, 1, None).await;
        sees(&other, before).await;

        is_paused.store(true, Ordering::SeqCst);
        let waiting = one.commit(entry(2, doc! {}));
        let closed = async {
            loop {
                let rows = all(&other, WRITERS).await;
                let is_closed = |row: &Document| {
                    row.get_str("node").ok() == Some("one")
                        && row.get_bool("closed").ok() == Some(true)
                };
                if rows.values().any(is_closed) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let resumed = async {
            tokio::time::timeout(PATIENCE, closed)
                .await
                .expect("in time");
            assert!(!one.is_fresh());
            is_paused.store(false, Ordering::SeqCst);
        };
        let (waited, ()) = futures::join!(waiting, resumed);

        // What waited was given up or was written to the next slot; the next one is written.
        assert!(matches!(waited, Ok(_) | Err(Error::SlotLost(_))));
        let after = say(&one, 3, None).await;
        sees(&other, after).await;
        assert!(after > before);
        let from_other = say(&other, 4, Some(after)).await;
        sees(&one, from_other).await;
        for store in [one, other] {
            store.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_reaches_the_other_nodes_only() {
    run(Kind::mongodb, async |fixture| {
        let one = node(fixture, "one").await;
        let other = node(fixture, "other").await;
        let (mut own, mut heard) = (one.heard::<u32>("a"), other.heard::<u32>("a"));

        one.tell("b", || 0);
        one.tell("a", || 1);

        let heard = tokio::time::timeout(PATIENCE, heard.next()).await;
        assert_eq!(heard.expect("in time"), Some(1));
        let own = tokio::time::timeout(Duration::from_millis(200), own.next()).await;
        assert!(own.is_err());
        for store in [one, other] {
            store.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_comes_back_begins_where_it_ended() {
    run(Kind::mongodb, async |fixture| {
        let one = node(fixture, "one").await;
        let last = say(&one, 1, None).await;
        one.shutdown().await;

        let other = node(fixture, "other").await;
        assert!(other.cut().contains(last));
        let again = node(fixture, "one").await;
        let next = say(&again, 2, Some(last)).await;

        sees(&other, next).await;
        assert_eq!(Cut::new(1).max(&again.cut()), again.cut());
        for store in [again, other] {
            store.shutdown().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_revoked_is_known_everywhere_when_that_is_acknowledged() {
    run(Kind::mongodb, async |fixture| {
        let nodes = [
            node(fixture, "one").await,
            node(fixture, "two").await,
            node(fixture, "three").await,
        ];
        let revoked = async {
            let mut last = None;
            for n in 0..10 {
                let writer = &nodes[n % 3];
                let position = say(writer, n as u64, last).await;

                writer.reach_all(position).await;

                assert!(nodes.iter().all(|node| node.cut().contains(position)));
                last = Some(position);
            }
        };
        // None of them has to be waited for as one that is gone has to.
        let in_time = tokio::time::timeout(PATIENCE, revoked).await;
        in_time.expect("they answer");
        for store in nodes {
            store.shutdown().await;
        }
    })
    .await;
}
