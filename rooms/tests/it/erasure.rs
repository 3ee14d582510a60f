//! What is taken away: old messages, messages that a policy does not keep, whole rooms.

use gantry_model::{
    RoomVersion,
    id::{OwnedRoomId, RoomAliasId, RoomId, ServerName},
};
use gantry_rooms::{Direction, Error, NewEvent, Purged, RetentionPolicy, Txn, Upkeep};
use gantry_store::{Scan, bson::Document, schema::ROOM};

use crate::house::{House, member, message, object, user};

const DAY: i64 = 24 * 60 * 60 * 1000;

async fn findings(house: &House) -> Vec<String> {
    let upkeep = Upkeep::new(house.store.clone(), ServerName::parse("one").unwrap());
    let checked = upkeep.check().await.unwrap();
    checked.findings.iter().map(ToString::to_string).collect()
}

async fn texts(house: &House, room: &RoomId) -> Vec<String> {
    let page = house
        .rooms
        .timeline(room, None, None, Direction::Forward, 1_000);
    let events = page.await.unwrap().events;
    let texts = events.iter().filter_map(|one| one.pdu.content_str("body"));
    texts.map(str::to_owned).collect()
}

/// A room with twenty old messages, one of them redacted and one threaded, and two new ones a day
/// later.
async fn old_and_new(house: &House) -> OwnedRoomId {
    let alice = user("@alice:one");
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let first = house.say(&room, &alice, "old root").await;
    let second = house.say(&room, &alice, "old secret").await;
    let reply = format!(
        r#"{{"body":"old reply","msgtype":"m.text",
        "m.relates_to":{{"rel_type":"m.thread","event_id":"{first}"}}}}"#
    );
    let reply = NewEvent::message(alice.clone(), "m.room.message", object(&reply));
    house.rooms.submit(&room, reply).await.unwrap();
    let redaction = NewEvent {
        redacts: Some(second),
        ..NewEvent::message(alice.clone(), "m.room.redaction", object("{}"))
    };
    house.rooms.submit(&room, redaction).await.unwrap();
    for n in 0..16 {
        let txn = Txn {
            device: "D".to_owned(),
            endpoint: "send",
            id: n.to_string(),
        };
        let old = NewEvent {
            rc: Some(format!("chosen {n} {room}")),
            ..message(&alice, &format!("old {n}")).with_txn(txn)
        };
        house.rooms.submit(&room, old).await.unwrap();
    }
    house.clock.advance(DAY);
    house.say(&room, &alice, "new 1").await;
    house.say(&room, &alice, "new 2").await;
    room
}

#[tokio::test]
async fn purged_messages_are_gone_and_everything_else_stands() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let room = old_and_new(&house).await;
    let before = house.rooms.get(&room).await.unwrap();
    let log = house.rooms.log(&room, 0, 100).await.unwrap();
    let now = gantry_model::Clock::now_ms(&*house.clock);

    let purged = house.rooms.purge_history(&room, now).await.unwrap();
    let again = house.rooms.purge_history(&room, now).await.unwrap();

    assert_eq!(purged.events, 20);
    assert!(purged.bytes > 20 * 300);
    assert_eq!(again, Purged::default());
    assert_eq!(texts(&house, &room).await, ["new 1", "new 2"]);
    assert_eq!(findings(&house).await, [""; 0]);
    let chosen = format!("chosen 3 {room}");
    let is_it = |one: &&gantry_rooms::RoomEvent| one.rc.as_ref() == Some(&chosen);
    let gone = log.iter().find(is_it).unwrap();
    let event = house.rooms.event(&room, gone.event_id()).await;
    assert!(event.unwrap().is_none());
    assert!(house.rooms.find_by_rc(&chosen).await.unwrap().is_none());
    house.close().await;
    let house = House::open(folder.path(), "one", 2).await;
    let after = house.rooms.get(&room).await.unwrap();
    assert_eq!(after.counts(), before.counts());
    assert_eq!(after.full_state().len(), before.full_state().len());
    house.say(&room, &user("@alice:one"), "new 3").await;
    assert_eq!(texts(&house, &room).await, ["new 1", "new 2", "new 3"]);
    house.close().await;
}

#[tokio::test]
async fn pages_go_on_over_purged_stretches() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let room = old_and_new(&house).await;
    let now = gantry_model::Clock::now_ms(&*house.clock);
    house.rooms.purge_history(&room, now).await.unwrap();

    for direction in [Direction::Backward, Direction::Forward] {
        let mut seen = Vec::new();
        let mut from = None;
        loop {
            let page = house.rooms.timeline(&room, from, None, direction, 3);
            let page = page.await.unwrap();
            seen.extend(page.events.iter().map(|event| event.pos));
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3, 4, 5, 26, 27]);
    }
    house.close().await;
}

#[tokio::test]
async fn the_end_of_a_room_is_never_purged() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let room = old_and_new(&house).await;

    house.rooms.purge_history(&room, i64::MAX).await.unwrap();

    assert_eq!(texts(&house, &room).await, ["new 2"]);
    house.say(&room, &user("@alice:one"), "goes on").await;
    assert_eq!(findings(&house).await, [""; 0]);
    house.close().await;
}

#[tokio::test]
async fn a_room_keeps_its_messages_as_long_as_it_wants_and_may() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let alice = user("@alice:one");
    let room = old_and_new(&house).await;
    let other = old_and_new(&house).await;
    let wish = object(&format!(r#"{{"max_lifetime":{}}}"#, DAY / 2));
    let wish = NewEvent::state(alice, "m.room.retention", "", wish);
    house.rooms.submit(&room, wish).await.unwrap();
    let bounds = RetentionPolicy {
        default_ms: None,
        min_ms: Some(1),
        max_ms: Some(10 * DAY),
    };

    let first = house.rooms.apply_retention(&bounds).await.unwrap();
    let second = house.rooms.apply_retention(&bounds).await.unwrap();
    house.clock.advance(11 * DAY);
    let third = house.rooms.apply_retention(&bounds).await.unwrap();

    // Of the first room all messages: its end is the wish. The other room's end is a message.
    assert_eq!(first.events, 22);
    assert_eq!(second, Purged::default());
    assert_eq!(third.events, 21);
    assert_eq!(texts(&house, &other).await, ["new 2"]);
    assert_eq!(findings(&house).await, [""; 0]);
    house.close().await;
}

async fn documents_of(house: &House, room: &RoomId) -> usize {
    let listed = house
        .store
        .scan::<Document>(ROOM, Scan::prefix(&[]))
        .await
        .unwrap();
    let name = gantry_store::hash16(&[room.as_bytes()]);
    let name: Option<Document> = house
        .store
        .get(gantry_store::schema::ROOM_NAME, &name)
        .await
        .unwrap();
    let rid = name.unwrap().get_i64("rid").unwrap();
    listed
        .iter()
        .filter(|(_, doc)| doc.get_i64("rid").ok() == Some(rid))
        .count()
}

async fn large(house: &House) -> OwnedRoomId {
    let alice = user("@alice:one");
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let text = "x".repeat(2_000);
    let sends = (0..1_500).map(|_| house.rooms.submit(&room, message(&alice, &text)));
    for sent in futures::future::join_all(sends).await {
        sent.unwrap();
    }
    room
}

#[tokio::test]
async fn a_deleted_room_frees_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.redb");
    let length = || std::fs::metadata(&file).unwrap().len();
    let house = House::open(folder.path(), "one", 1).await;
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let other = house.public_room(RoomVersion::V12, &alice).await;
    let room = large(&house).await;
    house
        .rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    let alias = RoomAliasId::parse("#a:one").unwrap();
    house.rooms.set_alias(&alias, &room, &alice).await.unwrap();
    house.rooms.publish(&room).await.unwrap();
    let full = length();
    let cut = house.rooms.store_cut();

    let removed = house.rooms.delete(&room, false).await.unwrap();

    assert_eq!(removed.members, 2);
    assert!(removed.documents > 1_500 && removed.bytes > 1_500 * 2_000);
    assert_eq!(documents_of(&house, &room).await, 0);
    assert!(house.rooms.view(&room).await.unwrap().is_none());
    assert!(house.rooms.alias(&alias).await.unwrap().is_none());
    assert!(house.rooms.published().await.unwrap().is_empty());
    assert_eq!(house.rooms.memberships(&bob).await.unwrap(), []);
    assert_eq!(house.rooms.memberships(&alice).await.unwrap().len(), 1);
    assert_eq!(house.rooms.list().await.unwrap().len(), 1);
    assert_eq!(findings(&house).await, [""; 0]);
    let late = house
        .rooms
        .stream_changes(&cut, &house.rooms.store_cut())
        .await;
    assert!(late.is_ok());
    // Pages that are free are used again: without that, the file would be four times as long.
    for _ in 0..3 {
        let next = large(&house).await;
        house.rooms.delete(&next, false).await.unwrap();
    }
    assert!(length() <= full * 2, "{} after {full}", length());
    house.say(&other, &alice, "still here").await;
    house.close().await;
    let house = House::open(folder.path(), "one", 3).await;
    house.say(&other, &alice, "after a restart").await;
    assert_eq!(findings(&house).await, [""; 0]);
    house.close().await;
}

#[tokio::test]
async fn nobody_enters_a_blocked_room() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let room = house.public_room(RoomVersion::V11, &alice).await;
    house.rooms.block(&room, None).await.unwrap();

    let joins = house.rooms.submit(&room, member(&bob, &bob, "join")).await;
    let invited = house
        .rooms
        .submit(&room, member(&alice, &bob, "invite"))
        .await;

    assert!(matches!(joins, Err(Error::Blocked)));
    assert!(matches!(invited, Err(Error::Blocked)));
    house.say(&room, &alice, "who is in it stays").await;
    assert!(house.rooms.blocked().await.unwrap().contains(&room));
    house.rooms.unblock(&room).await.unwrap();
    house
        .rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    house.close().await;
}
