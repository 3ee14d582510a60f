//! Several nodes on one MongoDB, where `GANTRY_TEST_MONGODB_URI` names one.

use std::time::Duration;

use gantry_model::{RoomVersion, id::RoomId};
use gantry_rooms::{Direction, Membership};
use gantry_store::Store;

use crate::house::{House, member, user};

const PATIENCE: Duration = Duration::from_secs(30);

/// Two nodes of the server `one`; `None`: there is no MongoDB here.
async fn two_nodes(database: &str) -> Option<(House, House)> {
    let uri = std::env::var("GANTRY_TEST_MONGODB_URI").ok();
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(uri.is_some() || !is_ci, "CI needs GANTRY_TEST_MONGODB_URI");
    let uri = uri?;
    let folder = tempfile::tempdir().unwrap();
    let unique = folder.path().file_name().unwrap().to_string_lossy();
    let database = format!("gantry_{database}_{}", unique.replace('.', ""));
    let open = async |node| Store::open_mongodb(&uri, &database, node).await.unwrap();
    let (a, b) = (open("a").await, open("b").await);
    Some((House::on(a, "one", 1), House::on(b, "one", 2)))
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

    let talk = async |house: &House, who, text: &str| {
        for n in 0..25 {
            house.say(&room, who, &format!("{text} {n}")).await;
        }
    };
    futures::join!(talk(&a, &alice, "a"), talk(&b, &bob, "b"));
    agree(&a, &b).await;

    let said = bodies(&a, &room).await;
    assert_eq!(said.len(), 50);
    assert_eq!(said, bodies(&b, &room).await);
    for who in ["a", "b"] {
        let own: Vec<_> = said.iter().filter(|text| text.starts_with(who)).collect();
        let expected: Vec<_> = (0..25).map(|n| format!("{who} {n}")).collect();
        assert_eq!(own, expected.iter().collect::<Vec<_>>());
    }
    a.close().await;
    b.close().await;
}
