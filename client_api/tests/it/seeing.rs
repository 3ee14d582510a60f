//! What users learn of rooms: no more than they may, and no less than they need.

use serde_json::{Value, json};

use crate::harness::Server;

/// A private room of Alice's with a name, hidden from those who come later.
async fn vault(server: &Server, alice: &str) -> String {
    let visibility = json!({"type": "m.room.history_visibility", "state_key": "",
        "content": {"history_visibility": "joined"}});
    let wish = json!({"preset": "private_chat", "name": "old", "initial_state": [visibility]});
    server.room(alice, wish).await
}

async fn put_state(server: &Server, token: &str, room: &str, kind: &str, content: Value) {
    let path = format!("v3/rooms/{room}/state/{kind}");
    server.put(&path, token, content).await.ok();
}

async fn invite(server: &Server, token: &str, room: &str, user: &str) {
    let path = format!("v3/rooms/{room}/invite");
    server
        .post(&path, token, json!({"user_id": user}))
        .await
        .ok();
}

async fn act(server: &Server, token: &str, room: &str, what: &str) {
    let path = format!("v3/rooms/{room}/{what}");
    server.post(&path, token, json!({})).await.ok();
}

/// The events of a list of a sync, by type.
fn kinds(events: &Value) -> Vec<&str> {
    let events = events["events"].as_array().into_iter().flatten();
    events.filter_map(|event| event["type"].as_str()).collect()
}

#[tokio::test]
async fn state_that_changed_unseen_is_told() {
    let server = Server::start().await;
    let (alice, carol) = (
        server.user("alice", false).await,
        server.user("carol", false).await,
    );
    let room = vault(&server, &alice).await;
    invite(&server, &alice, &room, "@carol:server").await;
    put_state(
        &server,
        &alice,
        &room,
        "m.room.name",
        json!({"name": "new"}),
    )
    .await;
    act(&server, &carol, &room, "join").await;

    let sync = server.get("v3/sync", &carol).await.ok();

    let joined = &sync["rooms"]["join"][&room];
    assert!(!kinds(&joined["timeline"]).contains(&"m.room.name"));
    let state = joined["state"]["events"].as_array().expect("a list");
    let name = state.iter().find(|event| event["type"] == "m.room.name");
    assert_eq!(name.expect("a name")["content"]["name"], "new");
}

#[tokio::test]
async fn who_was_only_invited_learns_of_nothing_but_the_end() {
    let server = Server::start().await;
    let (alice, carol) = (
        server.user("alice", false).await,
        server.user("carol", false).await,
    );
    let before = server.get("v3/sync", &carol).await.ok();
    let before = before["next_batch"].as_str().expect("a token");
    let room = vault(&server, &alice).await;
    invite(&server, &alice, &room, "@carol:server").await;
    act(&server, &carol, &room, "leave").await;

    for more in ["", "&use_state_after=true"] {
        let path = format!("v3/sync?since={before}{more}");
        let sync = server.get(&path, &carol).await.ok();
        let left = &sync["rooms"]["leave"][&room];
        assert_eq!(kinds(&left["timeline"]), ["m.room.member"], "{left}");
        assert!(kinds(&left["state"]).is_empty(), "{left}");
        assert!(kinds(&left["state_after"]).is_empty(), "{left}");
    }
}

#[tokio::test]
async fn a_forgotten_room_cannot_be_read() {
    let server = Server::start().await;
    let (alice, carol) = (
        server.user("alice", false).await,
        server.user("carol", false).await,
    );
    let room = vault(&server, &alice).await;
    invite(&server, &alice, &room, "@carol:server").await;
    act(&server, &carol, &room, "join").await;
    let path = format!("v3/rooms/{room}/send/m.room.message/1");
    let said = json!({"msgtype": "m.text", "body": "hello"});
    let said = server.put(&path, &carol, said).await.text("event_id");
    act(&server, &carol, &room, "leave").await;
    let event = format!("v3/rooms/{room}/event/{said}");
    server.get(&event, &carol).await.ok();

    act(&server, &carol, &room, "forget").await;

    for what in ["state", "members", "messages?dir=b"] {
        let path = format!("v3/rooms/{room}/{what}");
        let answer = server.get(&path, &carol).await;
        assert_eq!(answer.error(), (403, "M_FORBIDDEN"), "{what}");
    }
    let answer = server.get(&event, &carol).await;
    assert_eq!(answer.error(), (404, "M_NOT_FOUND"));
}

#[tokio::test]
async fn empty_lists_of_relations_ask_for_nothing() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({"topic": "here"})).await;
    let filter = json!({"types": ["m.room.topic"], "related_by_senders": [],
        "related_by_rel_types": []});
    let mut filter = filter.to_string();
    for (from, to) in [
        ("\"", "%22"),
        ("{", "%7B"),
        ("}", "%7D"),
        ("[", "%5B"),
        ("]", "%5D"),
    ] {
        filter = filter.replace(from, to);
    }

    let path = format!("v3/rooms/{room}/messages?dir=b&filter={filter}");
    let page = server.get(&path, &alice).await.ok();

    assert_eq!(page["chunk"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn events_tell_what_was_before_and_who_the_reader_was() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({})).await;
    let before = server.get("v3/sync", &alice).await.ok();
    let before = before["next_batch"].as_str().expect("a token");
    let member = "m.room.member/@alice:server";
    let renamed = json!({"membership": "join", "displayname": "Alice"});
    put_state(&server, &alice, &room, member, renamed).await;

    let path = format!("v3/sync?since={before}&use_state_after=true");
    let sync = server.get(&path, &alice).await.ok();

    let joined = &sync["rooms"]["join"][&room];
    for list in ["timeline", "state_after"] {
        let unsigned = &joined[list]["events"][0]["unsigned"];
        assert_eq!(unsigned["prev_content"]["membership"], "join", "{joined}");
    }
    let unsigned = &joined["timeline"]["events"][0]["unsigned"];
    assert_eq!(unsigned["membership"], "join");
    let members = server
        .get(&format!("v3/rooms/{room}/members"), &alice)
        .await
        .ok();
    let unsigned = &members["chunk"][0]["unsigned"];
    assert_eq!(unsigned["prev_content"]["membership"], "join", "{members}");
}
