//! What readers see: pages, changes between cuts, redactions, visibility.

use std::sync::Arc;

use gantry_model::{Object, RoomVersion, id::EventId};
use gantry_rooms::{Direction, NewEvent, RoomView};

use crate::house::{House, member, message, object, user};

#[tokio::test]
async fn pages_meet_without_gap_or_overlap_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    for n in 0..23 {
        house.say(&room, &alice, &n.to_string()).await;
    }

    for direction in [Direction::Backward, Direction::Forward] {
        let mut seen = Vec::new();
        let mut from = None;
        loop {
            let page = house
                .rooms
                .timeline(&room, from, None, direction, 5)
                .await
                .unwrap();
            seen.extend(page.events.iter().map(|event| event.pos));
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        if direction == Direction::Backward {
            seen.reverse();
        }
        assert_eq!(seen, (1..=28).collect::<Vec<_>>());
    }
    house.close().await;
}

#[tokio::test]
async fn changes_between_two_cuts_are_the_events_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let since = house.rooms.store_cut();
    let topic = NewEvent::state(
        alice.clone(),
        "m.room.topic",
        "",
        object(r#"{"topic":"t"}"#),
    );
    house.rooms.submit(&room, topic).await.unwrap();
    for n in 0..5 {
        house.say(&room, &alice, &n.to_string()).await;
    }
    let upto = house.rooms.store_cut();
    house.say(&room, &alice, "later").await;

    let all = house
        .rooms
        .changes(&room, Some(&since), &upto, 10)
        .await
        .unwrap();
    let few = house
        .rooms
        .changes(&room, Some(&since), &upto, 3)
        .await
        .unwrap();

    assert_eq!(all.events.len(), 6);
    assert!(!all.limited);
    assert!(all.before_timeline.is_empty());
    assert_eq!(few.events.len(), 3);
    assert!(few.limited);
    assert_eq!(few.before_timeline.len(), 1);
    assert_eq!(few.before_timeline[0].kind(), "m.room.topic");
    assert_eq!(few.events[2].pdu.content_str("body"), Some("4"));
    let back = house
        .rooms
        .timeline(&room, Some(few.prev_batch), None, Direction::Backward, 2)
        .await
        .unwrap();
    assert_eq!(back.events[0].pdu.content_str("body"), Some("1"));
    house.close().await;
}

#[tokio::test]
async fn the_end_of_the_log_is_found_for_every_cut() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let before = house.rooms.store_cut();
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let mut cuts = vec![(0, before)];
    for number in 0..150 {
        house.say(&room, &alice, &number.to_string()).await;
        let now = house.rooms.store_cut();
        cuts.push((house.rooms.log_end(&room, &now).await.unwrap(), now));
    }

    for (end, cut) in cuts {
        assert_eq!(house.rooms.log_end(&room, &cut).await.unwrap(), end);
    }
    house.close().await;
}

#[tokio::test]
async fn a_redacted_event_is_read_without_content() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    for version in [RoomVersion::V1, RoomVersion::V10, RoomVersion::V11] {
        let house = House::open(folder.path(), "one", version as u64).await;
        let room = house.public_room(version, &alice).await;
        house
            .rooms
            .submit(&room, member(&bob, &bob, "join"))
            .await
            .unwrap();
        let id = house.say(&room, &bob, "secret").await;
        let redaction = NewEvent {
            redacts: Some(id.clone()),
            ..NewEvent::message(alice.clone(), "m.room.redaction", Object::new())
        };

        house.rooms.submit(&room, redaction).await.unwrap();

        let event = house.rooms.event(&room, &id).await.unwrap().unwrap();
        assert!(event.pdu.content().is_empty(), "{version}");
        assert_eq!(event.redacted_because.unwrap().sender(), alice);
        house.close().await;
    }
}

#[tokio::test]
async fn redacted_state_is_shown_without_content() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let topic = |text: &str| {
        let content = object(&format!(r#"{{"topic":"{text}"}}"#));
        NewEvent::state(alice.clone(), "m.room.topic", "", content)
    };
    let redaction_of = |id: &EventId| NewEvent {
        redacts: Some(id.to_owned()),
        ..NewEvent::message(alice.clone(), "m.room.redaction", Object::new())
    };
    let secret = house.rooms.submit(&room, topic("secret")).await.unwrap();
    let redaction = redaction_of(&secret.event_id);
    house.rooms.submit(&room, redaction).await.unwrap();

    let view = house.rooms.get(&room).await.unwrap();
    assert_eq!(view.topic(), None);
    assert!(view.state("m.room.topic", "").is_some());
    let shown = view.full_state();
    assert!(shown.iter().all(|pdu| !pdu.content().contains_key("topic")));
    let because = |view: &RoomView| {
        let topic = view.state("m.room.topic", "").unwrap();
        view.state_event(topic).redacted_because
    };
    assert_eq!(because(&view).unwrap().redacts(), Some(&*secret.event_id));

    // Also where it has been replaced since.
    let next = house.rooms.submit(&room, topic("known")).await.unwrap();
    let next = house.rooms.event(&room, &next.event_id).await.unwrap();
    let replaced = next.unwrap().replaces.unwrap();
    assert_eq!(replaced.event_id(), secret.event_id);
    assert!(replaced.content().is_empty());

    // Where the redaction came first, and where the room is loaded anew.
    let late = NewEvent {
        // Later than what it is resolved against.
        origin_server_ts: Some(4_000_000_000_000),
        ..topic("late")
    };
    let drafted = house.rooms.draft(&room, late).await.unwrap();
    let redaction = redaction_of(drafted.event_id());
    house.rooms.submit(&room, redaction).await.unwrap();
    let late = NewEvent {
        drafted: Some(Arc::new(drafted)),
        ..topic("late")
    };
    house.rooms.submit(&room, late).await.unwrap();
    assert_eq!(house.rooms.get(&room).await.unwrap().topic(), None);
    house.close().await;
    let house = House::open(folder.path(), "one", 2).await;
    let view = house.rooms.get(&room).await.unwrap();
    assert_eq!(view.topic(), None);
    assert!(because(&view).is_some());
    house.close().await;
}

#[tokio::test]
async fn state_tells_what_it_replaced_also_where_the_room_is_loaded_anew() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    for name in ["first", "second"] {
        let content = object(&format!(r#"{{"name":"{name}"}}"#));
        let event = NewEvent::state(alice.clone(), "m.room.name", "", content);
        house.rooms.submit(&room, event).await.unwrap();
    }
    let replaced = |view: &RoomView| {
        let name = view.state("m.room.name", "").unwrap();
        let replaced = view.state_event(name).replaces.unwrap();
        replaced.content_str("name").map(str::to_owned)
    };

    let view = house.rooms.get(&room).await.unwrap();
    assert_eq!(replaced(&view).as_deref(), Some("first"));
    house.close().await;
    let house = House::open(folder.path(), "one", 2).await;
    let view = house.rooms.get(&room).await.unwrap();
    assert_eq!(replaced(&view).as_deref(), Some("first"));
    house.close().await;
}

#[tokio::test]
async fn who_left_sees_what_was_before_and_a_stranger_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    house.say(&room, &alice, "before").await;
    house
        .rooms
        .submit(&room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    house.say(&room, &alice, "during").await;
    house
        .rooms
        .submit(&room, member(&bob, &bob, "leave"))
        .await
        .unwrap();
    house.say(&room, &alice, "after").await;
    let texts = async |reader: &str| {
        let reader = user(reader);
        let log = house.rooms.log(&room, 0, 100).await.unwrap();
        let visible = house.rooms.visible(&reader, &room, log).await.unwrap();
        visible
            .iter()
            .filter_map(|event| event.pdu.content_str("body").map(str::to_owned))
            .collect::<Vec<_>>()
    };

    assert_eq!(texts("@alice:one").await, ["before", "during", "after"]);
    assert_eq!(texts("@bob:one").await, ["before", "during"]);
    assert!(texts("@eve:one").await.is_empty());
    house.close().await;
}

#[tokio::test]
async fn with_joined_visibility_nothing_before_the_join_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let alice = user("@alice:one");
    let bob = user("@bob:one");
    let house = House::open(folder.path(), "one", 1).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let joined = object(r#"{"history_visibility":"joined"}"#);
    let change = NewEvent::state(alice.clone(), "m.room.history_visibility", "", joined);
    house.rooms.submit(&room, change).await.unwrap();
    house.say(&room, &alice, "before").await;
    let steps = [
        (&alice, "invite"),
        (&bob, "leave"),
        (&alice, "invite"),
        (&bob, "join"),
    ];
    for (sender, membership) in steps {
        let event = member(sender, &bob, membership);
        house.rooms.submit(&room, event).await.unwrap();
    }
    house.say(&room, &alice, "during").await;

    let log = house.rooms.log(&room, 0, 100).await.unwrap();
    let visible = house.rooms.visible(&bob, &room, log).await.unwrap();

    let texts: Vec<_> = visible
        .iter()
        .filter_map(|event| event.pdu.content_str("body"))
        .collect();
    assert_eq!(texts, ["during"]);
    let own = visible
        .iter()
        .filter(|event| event.pdu.is_state("m.room.member", bob.as_str()));
    let own: Vec<_> = own
        .filter_map(|event| event.pdu.content_str("membership"))
        .collect();
    assert_eq!(own, ["leave", "join"], "invites are told as invites");
    house.rooms.submit(&room, message(&bob, "x")).await.unwrap();
    house.close().await;
}
