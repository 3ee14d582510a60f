//! Administrators take messages and rooms away.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const ADMIN: &str = "/_synapse/admin";

impl Server {
    async fn removes(&self, path: &str, token: &str, body: Value) -> Answer {
        let path = format!("{ADMIN}/{path}");
        self.ask(Method::DELETE, &path, Some(token), body).await
    }

    /// What a task says when it has ended.
    async fn ended(&self, path: &str, token: &str) -> Value {
        for _ in 0..500 {
            let status = self.get(&format!("{ADMIN}/{path}"), token).await.ok();
            if status["status"] != "active" {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{path} does not end");
    }

    async fn bodies(&self, room: &str, token: &str) -> Vec<String> {
        let path = format!("v3/rooms/{room}/messages?dir=f&limit=100");
        let page = self.get(&path, token).await.ok();
        let chunk = page["chunk"].as_array().expect("events");
        let bodies = chunk
            .iter()
            .filter_map(|event| event["content"]["body"].as_str());
        bodies.map(str::to_owned).collect()
    }
}

async fn talk(server: &Server, token: &str) -> (String, Vec<String>) {
    let room = server.room(token, json!({"preset": "public_chat"})).await;
    let mut ids = Vec::new();
    for n in 0..4 {
        server.clock.advance(1_000);
        let path = format!("v3/rooms/{room}/send/m.room.message/{n}");
        let text = json!({"msgtype": "m.text", "body": format!("text {n}")});
        ids.push(server.put(&path, token, text).await.text("event_id"));
    }
    (room, ids)
}

#[tokio::test]
async fn history_goes_up_to_an_event_or_a_time() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let (room, ids) = talk(&server, &alice).await;
    let purge = |body: Value| {
        let path = format!("{ADMIN}/v1/purge_history/{room}");
        let (server, admin) = (&server, &admin);
        async move { server.post(&path, admin, body).await }
    };

    let nothing = purge(json!({})).await;
    let unknown = purge(json!({"purge_up_to_event_id": "$no"})).await;
    let remote = purge(json!({"purge_up_to_event_id": ids[2]}))
        .await
        .text("purge_id");
    let remote = server
        .ended(&format!("v1/purge_history_status/{remote}"), &admin)
        .await;
    let kept = server.bodies(&room, &alice).await;
    let all = json!({"purge_up_to_event_id": ids[2], "delete_local_events": true});
    let all = purge(all).await.text("purge_id");
    let all = server
        .ended(&format!("v1/purge_history_status/{all}"), &admin)
        .await;
    let left = server.bodies(&room, &alice).await;
    let path = format!("{ADMIN}/v1/purge_history/{room}/{}", ids[3]);
    let by_path = server
        .post(&path, &admin, json!({"delete_local_events": true}))
        .await;
    let by_path = by_path.text("purge_id");
    server
        .ended(&format!("v1/purge_history_status/{by_path}"), &admin)
        .await;

    assert_eq!(nothing.error(), (400, "M_BAD_JSON"));
    assert_eq!(unknown.error(), (404, "M_NOT_FOUND"));
    assert_eq!(
        (remote, all),
        (json!({"status": "complete"}), json!({"status": "complete"}))
    );
    assert_eq!(kept.len(), 4);
    assert_eq!(left, ["text 2", "text 3"]);
    assert_eq!(server.bodies(&room, &alice).await, ["text 3"]);
    let status = server
        .get(&format!("{ADMIN}/v1/purge_history_status/x"), &admin)
        .await;
    assert_eq!(status.error(), (404, "M_NOT_FOUND"));
    let by_alice = server.post(&path, &alice, json!({})).await;
    assert_eq!(by_alice.error(), (403, "M_FORBIDDEN"));
}

#[tokio::test]
async fn a_room_goes_and_its_members_are_brought_to_another() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let wish = json!({"preset": "public_chat", "room_alias_name": "bad"});
    let room = server.room(&alice, wish).await;
    let path = format!("v2/rooms/{room}");

    let by_alice = server.removes(&path, &alice, json!({})).await;
    let wish = json!({"new_room_user_id": "@root:server", "room_name": "Why", "message": "So", "block": true});
    let id = server.removes(&path, &admin, wish).await.ok()["delete_id"].clone();
    let id = id.as_str().expect("an id");
    let ended = server
        .ended(&format!("v2/rooms/delete_status/{id}"), &admin)
        .await;

    assert_eq!(by_alice.error(), (403, "M_FORBIDDEN"));
    assert_eq!(ended["status"], "complete", "{ended}");
    let shutdown = &ended["shutdown_room"];
    assert_eq!(shutdown["kicked_users"], json!(["@alice:server"]));
    assert_eq!(shutdown["failed_to_kick_users"], json!([]));
    assert_eq!(shutdown["local_aliases"], json!(["#bad:server"]));
    let new = shutdown["new_room_id"].as_str().expect("a room");
    assert_eq!(server.bodies(new, &alice).await, ["So"]);
    let alias = server
        .get("v3/directory/room/%23bad:server", &alice)
        .await
        .ok();
    assert_eq!(alias["room_id"], new);
    let listed = server
        .get(&format!("{ADMIN}/v2/rooms/{room}/delete_status"), &admin)
        .await
        .ok();
    assert_eq!(listed["results"][0]["delete_id"], id);
    let gone = server
        .get(&format!("{ADMIN}/v1/rooms/{room}"), &admin)
        .await;
    assert_eq!(gone.error(), (404, "M_NOT_FOUND"));
    let again = server
        .post(&format!("v3/join/{room}"), &alice, json!({}))
        .await;
    assert_eq!(again.error(), (403, "M_FORBIDDEN"));
    let unknown = server
        .removes("v2/rooms/!no:server", &admin, json!({}))
        .await;
    assert_eq!(unknown.error(), (404, "M_NOT_FOUND"));
}

#[tokio::test]
async fn a_room_that_is_not_purged_is_only_left() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let (room, _) = talk(&server, &alice).await;

    let path = format!("v1/rooms/{room}");
    let shutdown = server
        .removes(&path, &admin, json!({"purge": false}))
        .await
        .ok();

    assert_eq!(shutdown["kicked_users"], json!(["@alice:server"]));
    assert_eq!(shutdown["new_room_id"], Value::Null);
    let left = server.get(&format!("{ADMIN}/{path}"), &admin).await.ok();
    assert_eq!(left["joined_members"], 0);
    assert_eq!(server.bodies(&room, &alice).await.len(), 4);
}
