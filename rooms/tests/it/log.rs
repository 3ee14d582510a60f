//! The log: what is acknowledged is there, once, in one dense chain.

use gantry_model::{RoomVersion, canonical_json::parse_object};
use gantry_rooms::{Error, Membership, NewEvent, Txn};

use crate::house::{House, member, message, object, user};

#[tokio::test]
async fn a_room_of_every_version_takes_a_message_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let mut said = Vec::new();
    for version in RoomVersion::ALL {
        let room = house.public_room(version, &alice).await;
        let id = house.say(&room, &alice, "hello").await;
        said.push((version, room, id));
    }
    house.close().await;

    let house = House::open(folder.path(), "one", 2).await;

    for (version, room, id) in said {
        let event = house.rooms.event(&room, &id).await.unwrap().unwrap();
        assert_eq!(event.pdu.content_str("body"), Some("hello"), "{version}");
        let view = house.rooms.get(&room).await.unwrap();
        assert_eq!(view.version(), version);
        assert_eq!(view.membership(&alice), Some(Membership::Join));
        assert_eq!(view.counts().joined, 1);
        assert_eq!(view.counts().main, 1);
        house.say(&room, &alice, "again").await;
    }
    house.close().await;
}

#[tokio::test]
async fn rooms_that_are_made_alike_at_the_same_moment_are_two_rooms() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;

    let (one, other) = tokio::join!(
        house.public_room(RoomVersion::V12, &alice),
        house.public_room(RoomVersion::V12, &alice),
    );

    assert_ne!(one, other);
    for room in [one, other] {
        assert_eq!(house.rooms.get(&room).await.unwrap().counts().joined, 1);
    }
    house.close().await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_the_first_event() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let txn = Txn {
        device: "D".to_owned(),
        endpoint: "send",
        id: "1".to_owned(),
    };
    let request = message(&alice, "once").with_txn(txn);

    let (first, second) = tokio::join!(
        house.rooms.submit(&room, request.clone()),
        house.rooms.submit(&room, request.clone()),
    );
    let third = house.rooms.submit(&room, request.clone()).await.unwrap();

    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.event_id, second.event_id);
    assert_eq!(first.event_id, third.event_id);
    assert_eq!(
        [first.repeated, second.repeated]
            .iter()
            .filter(|one| **one)
            .count(),
        1
    );
    assert!(third.repeated);
    house.close().await;
    let house = House::open(folder.path(), "one", 2).await;
    assert_eq!(
        house.rooms.submit(&room, request).await.unwrap().event_id,
        first.event_id
    );
    house.close().await;
}

#[tokio::test]
async fn a_message_id_is_taken_once_on_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    house
        .rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    let chosen = |user| NewEvent {
        rc: Some("abc".to_owned()),
        ..message(user, "x")
    };

    let first = house.rooms.submit(&room, chosen(&alice)).await.unwrap();
    let same = house.rooms.submit(&room, chosen(&alice)).await.unwrap();
    let other = house.rooms.submit(&room, chosen(&bob)).await;

    assert_eq!(first.event_id, same.event_id);
    assert!(matches!(other, Err(Error::DuplicateId)));
    let found = house.rooms.find_by_rc("abc").await.unwrap().unwrap();
    assert_eq!(found.event_id(), first.event_id);
    house.close().await;
}

#[tokio::test]
async fn many_at_once_are_one_dense_chain() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V12, &alice).await;

    let sends = (0..200).map(|n| house.rooms.submit(&room, message(&alice, &n.to_string())));
    let sent = futures::future::join_all(sends).await;

    let mut ids: Vec<_> = sent.into_iter().map(|one| one.unwrap().event_id).collect();
    let log = house.rooms.log(&room, 0, 1000).await.unwrap();
    assert_eq!(log.len(), 205);
    assert!(
        log.iter()
            .enumerate()
            .all(|(index, event)| event.pos == index as u64 + 1)
    );
    let mut positions: Vec<_> = log.iter().map(|event| event.position.s).collect();
    let sorted = positions.clone();
    positions.sort_unstable();
    assert_eq!(positions, sorted, "positions follow the order of the log");
    for pair in log.windows(2) {
        assert_eq!(pair[1].pdu.prev_events(), [pair[0].event_id().to_owned()]);
    }
    let mut logged: Vec<_> = log[5..]
        .iter()
        .map(|event| event.event_id().to_owned())
        .collect();
    ids.sort();
    logged.sort();
    assert_eq!(ids, logged);
    house.close().await;
}

#[tokio::test]
async fn what_the_rules_forbid_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let mallory = user("@mallory:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V10, &alice).await;
    let before = house.rooms.get(&room).await.unwrap().end();

    let stranger = house.rooms.submit(&room, message(&mallory, "x")).await;
    let kick = house
        .rooms
        .submit(&room, member(&mallory, &alice, "leave"))
        .await;
    let fraction = NewEvent::message(alice.clone(), "x", parse_object(br#"{"n":1.5}"#).unwrap());
    let fraction = house.rooms.submit(&room, fraction).await;
    let large = house
        .rooms
        .submit(&room, message(&alice, &"x".repeat(70_000)))
        .await;

    assert!(matches!(stranger, Err(Error::Rejected(_))));
    assert!(matches!(kick, Err(Error::Rejected(_))));
    assert!(matches!(fraction, Err(Error::Malformed(_))));
    assert!(matches!(large, Err(Error::Malformed(_))));
    assert_eq!(house.rooms.get(&room).await.unwrap().end(), before);
    house.close().await;
}

#[tokio::test]
async fn memberships_of_local_users_follow_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;

    house
        .rooms
        .submit(&room, member(&alice, &bob, "invite"))
        .await
        .unwrap();
    house
        .rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    let joined = house
        .rooms
        .membership_of(&bob, &room)
        .await
        .unwrap()
        .unwrap();
    house
        .rooms
        .submit(&room, member(&bob, &bob, "leave"))
        .await
        .unwrap();
    house.rooms.forget(&bob, &room).await.unwrap();

    assert_eq!(joined.membership, Membership::Join);
    assert_eq!(joined.previous(), Some(Membership::Invite));
    let row = &house.rooms.memberships(&bob).await.unwrap()[0];
    assert_eq!(row.membership, Membership::Leave);
    assert!(row.forgotten);
    assert_eq!(row.at(joined.pos()), Some(Membership::Join));
    house.close().await;
}

#[tokio::test]
async fn an_alias_leads_to_one_room() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let other = house.public_room(RoomVersion::V11, &alice).await;
    let alias = gantry_model::id::RoomAliasId::parse("#a:one").unwrap();

    assert!(house.rooms.set_alias(&alias, &room, &alice).await.unwrap());
    assert!(!house.rooms.set_alias(&alias, &other, &alice).await.unwrap());

    assert_eq!(
        house.rooms.alias(&alias).await.unwrap().unwrap().room_id,
        room
    );
    assert_eq!(house.rooms.aliases_of(&room).await.unwrap(), [alias]);
    let topic = object(r#"{"topic":"x"}"#);
    house
        .rooms
        .submit(
            &room,
            NewEvent::state(alice.clone(), "m.room.topic", "", topic),
        )
        .await
        .unwrap();
    assert_eq!(
        house.rooms.get(&room).await.unwrap().topic().as_deref(),
        Some("x")
    );
    house.close().await;
}

#[tokio::test]
async fn several_changes_of_one_member_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;

    let names = ["one", "two", "three", "four"];
    let sends = names.map(|name| {
        let content = object(&format!(
            r#"{{"membership":"join","displayname":"{name}"}}"#
        ));
        let event = NewEvent::state(bob.clone(), "m.room.member", bob.as_str(), content);
        house.rooms.submit(&room, event)
    });
    let sent = futures::future::join_all(sends).await;

    // In which order they come is not said.
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let log = house.rooms.log(&room, 0, 100).await.unwrap();
    assert_eq!(log.len(), 9);
    let row = house
        .rooms
        .membership_of(&bob, &room)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.membership, Membership::Join);
    assert_eq!(row.event_id, log[8].event_id());
    house.close().await;
}
