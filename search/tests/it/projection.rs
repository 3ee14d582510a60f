//! The index follows what happens to messages.

use gantry_model::id::{EventId, RoomId};
use gantry_rooms::NewEvent;
use gantry_search::{Order, Question};

use crate::house::{House, alice, object, question};

fn edit(target: &EventId, text: &str) -> NewEvent {
    let content = format!(
        r#"{{"msgtype":"m.text","body":"* {text}","m.new_content":{{"msgtype":"m.text","body":"{text}"}},
        "m.relates_to":{{"rel_type":"m.replace","event_id":"{target}"}}}}"#
    );
    NewEvent::message(alice(), "m.room.message", object(&content))
}

async fn redact(house: &House, room: &RoomId, target: &EventId) {
    let redaction = NewEvent {
        redacts: Some(target.to_owned()),
        ..NewEvent::message(alice(), "m.room.redaction", object("{}"))
    };
    house.submit(room, redaction).await;
}

#[tokio::test]
async fn edits_replace_and_redactions_remove() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let room = house.room().await;
    let message = house.say(&room, "violet apples").await;
    assert_eq!(house.texts(&room, "violet").await, ["violet apples"]);

    let change = house.submit(&room, edit(&message, "green pears")).await;
    let old = house.found(&[&room], "violet").await;
    let new = house.texts(&room, "pear").await;
    redact(&house, &room, &change).await;
    let back = house.texts(&room, "violet").await;
    let gone = house.found(&[&room], "pear").await;
    redact(&house, &room, &message).await;
    let nothing = house.found(&[&room], "violet").await;

    // The hit is the message, which still has its first text.
    assert_eq!((old.count, new), (0, vec!["violet apples".to_owned()]));
    assert_eq!((back, gone.count), (vec!["violet apples".to_owned()], 0));
    assert_eq!((nothing.count, nothing.hits.len()), (0, 0));
    house.close().await;
}

#[tokio::test]
async fn purged_messages_removed_rooms_and_erased_users_disappear() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let room = house.room().await;
    let other = house.room().await;
    for text in ["plum one", "plum two", "plum three"] {
        house.say(&room, text).await;
    }
    house.say(&other, "plum four").await;
    let rooms = [&*room, &*other];
    let before = house.found(&rooms, "plum").await;

    house.rooms.purge_history(&room, i64::MAX).await.unwrap();
    let purged = house.texts(&room, "plum").await;
    house.rooms.delete(&other, false).await.unwrap();
    house.search.caught_up(&house.rooms.store_cut()).await;
    let number = house.rooms.get(&room).await.unwrap().number();
    let everywhere = house.search.ask(question([number].into(), "plum")).await;
    house.rooms.set_erased(&alice(), true).await.unwrap();
    let erased = house.found(&[&room], "plum").await;

    assert_eq!(before.count, 4);
    // The newest is a forward extremity, which stays.
    assert_eq!(purged, ["plum three"]);
    assert_eq!(everywhere.unwrap().count, 1);
    assert_eq!(erased.count, 0);
    house.close().await;
}

#[tokio::test]
async fn an_encrypted_room_has_nothing_to_find() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let room = house.room().await;
    house.say(&room, "quince").await;
    let before = house.found(&[&room], "quince").await;

    let algorithm = object(r#"{"algorithm":"m.megolm.v1.aes-sha2"}"#);
    let encryption = NewEvent::state(alice(), "m.room.encryption", "", algorithm);
    house.submit(&room, encryption).await;
    house.say(&room, "another quince in the clear").await;

    assert_eq!(before.count, 1);
    assert_eq!(house.found(&[&room], "quince").await.count, 0);
    house.close().await;
}

#[tokio::test]
async fn names_and_topics_are_found_and_pages_give_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let room = house.room().await;
    let name = NewEvent::state(alice(), "m.room.name", "", object(r#"{"name":"Fig club"}"#));
    house.submit(&room, name).await;
    for n in 0..9 {
        house
            .say(&room, &format!("fig {n} {}", "fig ".repeat(n)))
            .await;
    }
    let number = house.rooms.get(&room).await.unwrap().number();

    for order in [Order::Rank, Order::Recent] {
        house.search.caught_up(&house.rooms.store_cut()).await;
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let asked = Question {
                order,
                after,
                limit: 3,
                ..question([number].into(), "figs")
            };
            let found = house.search.ask(asked).await.unwrap();
            assert_eq!(found.count, 10);
            let Some(last) = found.hits.last() else { break };
            after = Some(last.after);
            seen.extend(found.hits.iter().map(|hit| hit.pos));
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((seen.len(), once.len()), (10, 10));
        if order == Order::Recent {
            assert!(seen.is_sorted_by(|a, b| a > b));
        }
    }
    house.close().await;
}
