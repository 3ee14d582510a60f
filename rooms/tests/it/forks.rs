//! Two servers: joins, forks, gaps, rejected and soft-failed events.

use gantry_model::{Pdu, RoomVersion, canonical_json::parse_object};
use gantry_rooms::{Arrival, Error, Ingested, Membership, NewEvent};

use crate::{
    house::{House, member, object, user},
    story::join_two,
};

async fn pdu(
    house: &House,
    room: &gantry_model::id::RoomId,
    id: &gantry_model::id::EventId,
) -> Pdu {
    (*house.rooms.pdu(room, id).await.unwrap().unwrap()).clone()
}

async fn state(house: &House, room: &gantry_model::id::RoomId) -> Vec<String> {
    let view = house.rooms.get(room).await.unwrap();
    let mut ids: Vec<_> = view
        .full_state()
        .iter()
        .map(|pdu| format!("{} {}", pdu.kind(), pdu.event_id()))
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn both_sides_of_a_fork_end_in_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    for version in [
        RoomVersion::V2,
        RoomVersion::V6,
        RoomVersion::V10,
        RoomVersion::V11,
        RoomVersion::V12,
    ] {
        let name = tempfile::tempdir_in(folder.path()).unwrap();
        let one = House::open(name.path(), "one", 1).await;
        let two = House::open(name.path(), "two", 2).await;
        let alice = user("@alice:one");
        let bob = user("@bob:two");
        let room = one.public_room(version, &alice).await;
        let mut levels = object(r#"{"users":{"@bob:two":50}}"#);
        if !version.rules().privileged_creators {
            levels = object(r#"{"users":{"@bob:two":50,"@alice:one":100}}"#);
        }
        let change = NewEvent::state(alice.clone(), "m.room.power_levels", "", levels);
        one.rooms.submit(&room, change).await.unwrap();
        join_two(&one, &two, &room).await;
        assert_eq!(
            state(&one, &room).await,
            state(&two, &room).await,
            "{version}"
        );

        let topic = |user, text: &str| {
            let content = object(&format!(r#"{{"topic":"{text}"}}"#));
            NewEvent::state(user, "m.room.topic", "", content)
        };
        let mut of_one = Vec::new();
        let mut of_two = Vec::new();
        for n in 0..3 {
            one.clock.advance(10);
            two.clock.advance(11);
            let id = one
                .rooms
                .submit(&room, topic(alice.clone(), &format!("one {n}")))
                .await;
            of_one.push(pdu(&one, &room, &id.unwrap().event_id).await);
            let id = two
                .rooms
                .submit(&room, topic(bob.clone(), &format!("two {n}")))
                .await;
            of_two.push(pdu(&two, &room, &id.unwrap().event_id).await);
        }
        for event in of_two {
            one.rooms.ingest(event, Arrival::Transaction).await.unwrap();
        }
        for event in of_one {
            two.rooms.ingest(event, Arrival::Transaction).await.unwrap();
        }

        assert_eq!(
            state(&one, &room).await,
            state(&two, &room).await,
            "{version}"
        );
        assert_eq!(one.rooms.get(&room).await.unwrap().extremities().len(), 2);
        one.say(&room, &alice, "merged").await;
        assert_eq!(one.rooms.get(&room).await.unwrap().extremities().len(), 1);
        one.close().await;
        two.close().await;
    }
}

#[tokio::test]
async fn an_event_after_a_missing_one_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let alice = user("@alice:one");
    let bob = user("@bob:two");
    let room = one.public_room(RoomVersion::V11, &alice).await;
    join_two(&one, &two, &room).await;
    let first = pdu(&two, &room, &two.say(&room, &bob, "first").await).await;
    let second = pdu(&two, &room, &two.say(&room, &bob, "second").await).await;

    let early = one
        .rooms
        .ingest(second.clone(), Arrival::Transaction)
        .await
        .unwrap();
    let missing = Ingested::Missing {
        prev: vec![first.event_id().to_owned()],
        auth: vec![],
    };
    assert_eq!(early, missing);
    let first_in = one
        .rooms
        .ingest(first.clone(), Arrival::MissingPrev)
        .await
        .unwrap();
    assert!(matches!(first_in, Ingested::Accepted(_)));
    let second_in = one
        .rooms
        .ingest(second, Arrival::Transaction)
        .await
        .unwrap();

    assert!(matches!(second_in, Ingested::Accepted(_)));
    assert_eq!(
        one.rooms.ingest(first, Arrival::Transaction).await.unwrap(),
        Ingested::Known
    );
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_forbidden_event_is_rejected_and_what_follows_it_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let alice = user("@alice:one");
    let bob = user("@bob:two");
    let room = one.public_room(RoomVersion::V11, &alice).await;
    join_two(&one, &two, &room).await;
    let honest = pdu(&two, &room, &two.say(&room, &bob, "honest").await).await;
    let mut forged = honest.object().clone();
    forged.insert("type", "m.room.topic".into());
    forged.insert("state_key", "".into());
    let forged = Pdu::parse(forged, RoomVersion::V11).unwrap();

    let rejected = one
        .rooms
        .ingest(forged.clone(), Arrival::Transaction)
        .await
        .unwrap();
    let mut after = parse_object(&honest.to_bytes()).unwrap();
    after.insert(
        "prev_events".to_owned(),
        vec![forged.event_id().as_str().into()].into(),
    );
    let after = Pdu::parse(after, RoomVersion::V11).unwrap();
    let after = one.rooms.ingest(after, Arrival::Transaction).await.unwrap();

    assert!(matches!(rejected, Ingested::Rejected(_)));
    assert!(matches!(after, Ingested::Accepted(_)), "{after:?}");
    assert_eq!(one.rooms.get(&room).await.unwrap().topic(), None);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn an_event_that_a_ban_has_overtaken_is_soft_failed() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let alice = user("@alice:one");
    let bob = user("@bob:two");
    let room = one.public_room(RoomVersion::V11, &alice).await;
    join_two(&one, &two, &room).await;
    let late = pdu(&two, &room, &two.say(&room, &bob, "late").await).await;
    one.rooms
        .submit(&room, member(&alice, &bob, "ban"))
        .await
        .unwrap();
    let before = one.rooms.get(&room).await.unwrap();

    let outcome = one
        .rooms
        .ingest(late.clone(), Arrival::Transaction)
        .await
        .unwrap();

    assert_eq!(outcome, Ingested::SoftFailed);
    let after = one.rooms.get(&room).await.unwrap();
    assert_eq!(after.extremities(), before.extremities());
    assert_eq!(after.membership(&bob), Some(Membership::Ban));
    let log = one.rooms.log(&room, 0, 100).await.unwrap();
    let seen = one.rooms.visible(&alice, &room, log).await.unwrap();
    assert!(seen.iter().all(|event| event.event_id() != late.event_id()));
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_room_without_local_members_takes_nothing_in() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let alice = user("@alice:one");
    let bob = user("@bob:two");
    let room = one.public_room(RoomVersion::V11, &alice).await;
    join_two(&one, &two, &room).await;
    two.rooms
        .submit(&room, member(&bob, &bob, "leave"))
        .await
        .unwrap();

    let said = pdu(&one, &room, &one.say(&room, &alice, "x").await).await;
    let outcome = two.rooms.ingest(said, Arrival::Transaction).await;

    assert!(matches!(outcome, Err(Error::NotInRoom)));
    one.close().await;
    two.close().await;
}
