//! What users learn of rooms: no more than they may, and no less than they need.

use serde_json::{Value, json};

use crate::harness::Server;

impl Server {
    /// A server with Alice and Carol: their access tokens.
    async fn with_two_users() -> (Self, String, String) {
        let server = Self::start().await;
        let alice = server.user("alice", false).await;
        let carol = server.user("carol", false).await;
        (server, alice, carol)
    }

    /// A private room of Alice's with a name, hidden from those who come later; Carol is invited.
    async fn vault(&self, alice: &str) -> String {
        let visibility = json!({"type": "m.room.history_visibility", "state_key": "",
            "content": {"history_visibility": "joined"}});
        let wish = json!({"preset": "private_chat", "name": "old", "initial_state": [visibility]});
        let room = self.room(alice, wish).await;
        let path = format!("v3/rooms/{room}/invite");
        let invitation = json!({"user_id": "@carol:server"});
        self.post(&path, alice, invitation).await.ok();
        room
    }

    async fn changes(&self, token: &str, room: &str, kind: &str, content: Value) {
        let path = format!("v3/rooms/{room}/state/{kind}");
        self.put(&path, token, content).await.ok();
    }

    /// Somebody joins, leaves or forgets a room.
    async fn acts(&self, token: &str, room: &str, what: &str) {
        let path = format!("v3/rooms/{room}/{what}");
        self.post(&path, token, json!({})).await.ok();
    }

    /// Where somebody's next sync goes on.
    async fn position(&self, token: &str) -> String {
        self.get("v3/sync", token).await.text("next_batch")
    }
}

/// The events of a list of a sync, by type.
fn kinds(events: &Value) -> Vec<&str> {
    let events = events["events"].as_array().into_iter().flatten();
    events.filter_map(|event| event["type"].as_str()).collect()
}

#[tokio::test]
async fn state_that_changed_unseen_is_told() {
    let (server, alice, carol) = Server::with_two_users().await;
    let room = server.vault(&alice).await;
    let name = json!({"name": "new"});
    server.changes(&alice, &room, "m.room.name", name).await;
    server.acts(&carol, &room, "join").await;

    let sync = server.get("v3/sync", &carol).await.ok();

    let joined = &sync["rooms"]["join"][&room];
    assert!(!kinds(&joined["timeline"]).contains(&"m.room.name"));
    let state = joined["state"]["events"].as_array().expect("a list");
    let name = state.iter().find(|event| event["type"] == "m.room.name");
    assert_eq!(name.expect("a name")["content"]["name"], "new");
}

#[tokio::test]
async fn who_was_only_invited_learns_of_nothing_but_the_end() {
    let (server, alice, carol) = Server::with_two_users().await;
    let before = server.position(&carol).await;
    let room = server.vault(&alice).await;
    server.acts(&carol, &room, "leave").await;

    let after: &[&str] = &["m.room.member"];
    for (more, state_after) in [("", &[][..]), ("&use_state_after=true", after)] {
        let path = format!("v3/sync?since={before}{more}");
        let sync = server.get(&path, &carol).await.ok();
        let left = &sync["rooms"]["leave"][&room];
        assert_eq!(kinds(&left["timeline"]), ["m.room.member"], "{left}");
        assert!(kinds(&left["state"]).is_empty(), "{left}");
        // It is the state at the end of the timeline, the farewell included.
        assert_eq!(kinds(&left["state_after"]), state_after, "{left}");
    }
}

#[tokio::test]
async fn a_forgotten_room_cannot_be_read() {
    let (server, alice, carol) = Server::with_two_users().await;
    let room = server.vault(&alice).await;
    server.acts(&carol, &room, "join").await;
    let path = format!("v3/rooms/{room}/send/m.room.message/1");
    let said = json!({"msgtype": "m.text", "body": "hello"});
    let said = server.put(&path, &carol, said).await.text("event_id");
    server.acts(&carol, &room, "leave").await;
    let event = format!("v3/rooms/{room}/event/{said}");
    server.get(&event, &carol).await.ok();

    server.acts(&carol, &room, "forget").await;

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
    let before = server.position(&alice).await;
    let member = "m.room.member/@alice:server";
    let renamed = json!({"membership": "join", "displayname": "Alice"});
    server.changes(&alice, &room, member, renamed).await;

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
