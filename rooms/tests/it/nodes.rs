//! Several nodes on one MongoDB, where `GANTRY_TEST_MONGODB_URI` names one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use gantry_model::{RoomVersion, id::RoomId};
use gantry_rooms::{Cut, Direction, Membership};
use gantry_store::{Engine, Error, MongoEngine, Op, Store, schema::MEMBERSHIP, testing::Applying};

use crate::house::{House, member, user};

const PATIENCE: Duration = Duration::from_secs(30);

/// A database of the server for tests; `None`: there is no MongoDB here.
pub(crate) struct Database {
    uri: String,
    name: String,
}

impl Database {
    pub(crate) fn new(purpose: &str) -> Option<Self> {
        let uri = std::env::var("GANTRY_TEST_MONGODB_URI").ok();
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(uri.is_some() || !is_ci, "CI needs GANTRY_TEST_MONGODB_URI");
        let folder = tempfile::tempdir().unwrap();
        let unique = folder.path().file_name().unwrap().to_string_lossy();
        Some(Self {
            uri: uri?,
            name: format!("gantry_{purpose}_{}", unique.replace('.', "")),
        })
    }

    async fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(MongoEngine::open(&self.uri, &self.name).await.unwrap())
    }

    /// A node of the server `one`.
    pub(crate) async fn node(&self, node: &str) -> House {
        let store = Store::open(self.engine().await, node).await.unwrap();
        House::on(store, "one", node.bytes().map(u64::from).sum())
    }
}

async fn two_nodes(purpose: &str) -> Option<(House, House)> {
    let database = Database::new(purpose)?;
    Some((database.node("a").await, database.node("b").await))
}

/// Waits until both nodes have seen what the other has committed.
async fn agree(a: &House, b: &House) {
    for (one, other) in [(a, b), (b, a)] {
        let wanted = other.store.cut();
        let mut cuts = one.store.subscribe();
        let seen = cuts.wait_for(|cut| wanted.marks().all(|mark| cut.contains(mark)));
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.expect("in time").unwrap();
    }
}

/// The bodies of a room's messages, oldest first.
async fn bodies(house: &House, room: &RoomId) -> Vec<String> {
    let page = house
        .rooms
        .timeline(room, None, None, Direction::Backward, 1_000);
    let events = page.await.unwrap().events;
    let texts = events
        .iter()
        .filter_map(|event| event.pdu.content_str("body"));
    let mut texts: Vec<String> = texts.map(str::to_owned).collect();
    texts.reverse();
    texts
}

/// What a client hears that asks one node after the other, each time from where it was, until it has
/// heard so much.
async fn listen(houses: &[&House], room: &RoomId, mut since: Cut, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    for house in houses.iter().cycle() {
        let upto = since.max(&house.store.cut());
        let news = house.rooms.changes(room, Some(&since), &upto, 100).await;
        let events = news.unwrap().events;
        let texts = events
            .iter()
            .filter_map(|event| event.pdu.content_str("body"));
        heard.extend(texts.map(str::to_owned));
        since = upto;
        if heard.len() >= count {
            break;
        }
        tokio::task::yield_now().await;
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_the_same_on_every_node() {
    let Some((a, b)) = two_nodes("same").await else {
        return;
    };
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let room = a.public_room(RoomVersion::V11, &alice).await;
    b.rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    agree(&a, &b).await;
    let since = a.store.cut();

    for _ in 0..10 {
        a.say(&room, &alice, "from a").await;
        b.say(&room, &bob, "from b").await;
    }
    agree(&a, &b).await;

    for house in [&a, &b] {
        let view = house.rooms.get(&room).await.unwrap();
        assert_eq!(view.membership(&bob), Some(Membership::Join));
        let said = bodies(house, &room).await;
        assert_eq!(said.len(), 20);
        assert_eq!(said[..2], ["from a", "from b"]);
        let changes = house
            .rooms
            .changes(&room, Some(&since), &house.store.cut(), 100)
            .await;
        assert_eq!(changes.unwrap().events.len(), 20);
    }
    assert_eq!(bodies(&a, &room).await, bodies(&b, &room).await);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_write_to_one_room_at_once_lose_nothing() {
    let Some((a, b)) = two_nodes("race").await else {
        return;
    };
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let room = a.public_room(RoomVersion::V11, &alice).await;
    a.rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();

    agree(&a, &b).await;
    let since = a.store.cut();
    let talk = async |house: &House, who, text: &str| {
        for n in 0..25 {
            house.say(&room, who, &format!("{text} {n}")).await;
        }
    };
    let houses = [&a, &b];
    let (heard, (), ()) = futures::join!(
        listen(&houses, &room, since, 50),
        talk(&a, &alice, "a"),
        talk(&b, &bob, "b")
    );
    agree(&a, &b).await;

    let said = bodies(&a, &room).await;
    assert_eq!(said.len(), 50);
    assert_eq!(said, bodies(&b, &room).await);
    assert_eq!(said, heard);
    for who in ["a", "b"] {
        let own: Vec<_> = said.iter().filter(|text| text.starts_with(who)).collect();
        let expected: Vec<_> = (0..25).map(|n| format!("{who} {n}")).collect();
        assert_eq!(own, expected.iter().collect::<Vec<_>>());
    }
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_has_kept_aside_hinders_no_other() {
    let Some((a, b)) = two_nodes("outliers").await else {
        return;
    };
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let room = a.public_room(RoomVersion::V11, &alice).await;
    b.rooms.get(&room).await.unwrap();

    let aside = a.rooms.draft(&room, member(&alice, &bob, "invite")).await;
    a.rooms
        .add_outliers(&room, vec![Arc::new(aside.unwrap())])
        .await
        .unwrap();

    let joined = b.rooms.submit(&room, member(&bob, &bob, "join")).await;
    joined.unwrap();
    a.close().await;
    b.close().await;
}

/// An engine whose process is gone before it writes the first membership after `is_doomed` was set.
fn doomed(inner: Arc<dyn Engine>, is_doomed: Arc<AtomicBool>) -> Applying {
    Applying::new(inner, move |inner, batches| {
        let is_doomed = is_doomed.load(Ordering::SeqCst);
        async move {
            if !is_doomed {
                return inner.apply(batches).await;
            }
            let is_before = |op: &&Op| op.table() != MEMBERSHIP;
            let before = |ops: &Vec<Op>| ops.iter().take_while(is_before).cloned().collect();
            inner.apply(batches.iter().map(before).collect()).await?;
            Err(Error::Engine("the process is gone".into()))
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_membership_that_a_crash_cut_off_is_written_after_it() {
    let Some(database) = Database::new("replay") else {
        return;
    };
    let is_doomed = Arc::new(AtomicBool::new(false));
    let engine = doomed(database.engine().await, Arc::clone(&is_doomed));
    let store = Store::open(Arc::new(engine), "a").await.unwrap();
    let house = House::on(store, "one", 1);
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let room = house.public_room(RoomVersion::V11, &alice).await;
    is_doomed.store(true, Ordering::SeqCst);
    let joined = house.rooms.submit(&room, member(&bob, &bob, "join")).await;
    joined.unwrap_err();
    house.close().await;

    let house = database.node("a").await;
    let view = house.rooms.get(&room).await.unwrap();
    assert_eq!(view.membership(&bob), Some(Membership::Join));
    let before = house.rooms.membership_of(&bob, &room).await.unwrap();
    assert_eq!(house.rooms.replay().await.unwrap(), 1);

    let after = house.rooms.membership_of(&bob, &room).await.unwrap();
    assert!(before.is_none() && after.is_some());
    assert_eq!(house.rooms.replay().await.unwrap(), 0);
    house.close().await;
}
