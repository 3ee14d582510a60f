//! Application services that act for their users.

use gantry_homeserver::{AccountPolicy, Appservice, AppserviceFile, Appservices, Rate, Rates};
use serde_json::json;

use crate::harness::{Options, Server};

async fn server() -> Server {
    let file: AppserviceFile = serde_json::from_value(json!({
        "id": "irc", "url": null, "as_token": "as", "hs_token": "hs",
        "sender_localpart": "irc-bot", "rate_limited": false,
        "namespaces": {"users": [{"exclusive": true, "regex": "@_irc_.*:server"}],
            "aliases": [{"exclusive": true, "regex": "#irc_.*:server"}]},
    }))
    .expect("a registration");
    let irc = Appservice::new(&file, "server".try_into().expect("a name")).expect("valid");
    Server::start_with(Options {
        accounts: AccountPolicy {
            appservices: Appservices::new(vec![irc]),
            ..AccountPolicy::default()
        },
        rates: Rates {
            enabled: true,
            create_room: Rate::of(1, 3_600, 1),
            ..Rates::default()
        },
        ..Options::default()
    })
    .await
}

fn wish(name: &str) -> serde_json::Value {
    json!({"type": "m.login.application_service", "username": name, "inhibit_login": true})
}

#[tokio::test]
async fn names_are_registered_by_whom_they_belong_to() {
    let server = server().await;

    let own = server.post("v3/register", "as", wish("_irc_a")).await.ok();
    let other = server.post("v3/register", "as", wish("bob")).await;
    let stranger = server.post("v3/register", "no", wish("_irc_b")).await;
    let missing = server.anonymous("v3/register", wish("_irc_b")).await;
    let user = json!({"username": "irc-bot", "password": "p", "auth": {"type": "m.login.dummy"}});
    let user = server.anonymous("v3/register", user).await;

    assert_eq!(own["user_id"], "@_irc_a:server");
    assert!(own["access_token"].is_null());
    assert_eq!(other.error(), (400, "M_EXCLUSIVE"));
    assert_eq!(stranger.error(), (401, "M_UNKNOWN_TOKEN"));
    assert_eq!(missing.error(), (401, "M_MISSING_TOKEN"));
    assert_eq!(user.error(), (400, "M_EXCLUSIVE"));
}

#[tokio::test]
async fn an_application_service_acts_for_its_users_without_limits() {
    let server = server().await;
    server.post("v3/register", "as", wish("_irc_a")).await.ok();

    let bot = server.get("v3/account/whoami", "as").await.ok();
    let user = server
        .get("v3/account/whoami?user_id=@_irc_a:server", "as")
        .await
        .ok();
    let unknown = server
        .get("v3/account/whoami?user_id=@_irc_b:server", "as")
        .await;
    let foreign = server
        .get("v3/account/whoami?user_id=@bob:server", "as")
        .await;
    let device = "v3/account/whoami?user_id=@_irc_a:server&device_id=NONE";
    let device = server.get(device, "as").await;
    for _ in 0..3 {
        server.clock.advance(1);
        server
            .post("v3/createRoom?user_id=@_irc_a:server", "as", json!({}))
            .await
            .ok();
    }
    let mut login = wish("");
    login["identifier"] = json!({"type": "m.id.user", "user": "_irc_a"});
    let login = server.post("v3/login", "as", login).await.ok();

    assert_eq!(bot["user_id"], "@irc-bot:server");
    assert!(bot["device_id"].is_null());
    assert_eq!(user["user_id"], "@_irc_a:server");
    assert_eq!(unknown.error(), (403, "M_FORBIDDEN"));
    assert_eq!(foreign.error(), (403, "M_FORBIDDEN"));
    assert_eq!(device.error(), (400, "M_UNKNOWN_DEVICE"));
    assert_eq!(login["user_id"], "@_irc_a:server");
    let id = login["device_id"].as_str().expect("a device");
    let device = format!("v3/account/whoami?user_id=@_irc_a:server&device_id={id}");
    assert_eq!(server.get(&device, "as").await.ok()["device_id"], id);
}

#[tokio::test]
async fn aliases_are_kept_for_whom_they_belong_to() {
    let server = server().await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({})).await;
    let path = "v3/directory/room/%23irc_a:server";

    let user = server.put(path, &alice, json!({"room_id": room})).await;
    server.clock.advance(3_600_000);
    let created = json!({"room_alias_name": "irc_b"});
    let created = server.post("v3/createRoom", &alice, created).await;

    assert_eq!(user.error(), (400, "M_EXCLUSIVE"));
    assert_eq!(created.error().1, "M_EXCLUSIVE");
}

#[tokio::test]
async fn an_application_service_says_when_things_happened() {
    let server = server().await;
    server.post("v3/register", "as", wish("_irc_a")).await.ok();
    let query = "user_id=@_irc_a:server";
    let wish = json!({"preset": "public_chat"});
    let create = format!("v3/createRoom?{query}");
    let room = server.post(&create, "as", wish).await.text("room_id");
    let alice = server.user("alice", false).await;
    server
        .post(&format!("v3/join/{room}"), &alice, json!({}))
        .await
        .ok();
    let text = json!({"msgtype": "m.text", "body": "then"});
    let send =
        |txn: &str, ts: &str| format!("v3/rooms/{room}/send/m.room.message/{txn}?ts={ts}&{query}");
    let topic = format!("v3/rooms/{room}/state/m.room.topic?ts=2000&{query}");

    let old = server
        .put(&send("1", "1000"), "as", text.clone())
        .await
        .ok();
    let state = server.put(&topic, "as", json!({"topic": "old"})).await.ok();
    let user = server
        .put(&send("2", "1000"), &alice, text.clone())
        .await
        .ok();
    let wrong = server.put(&send("3", "-1"), "as", text).await;

    let mut times = Vec::new();
    for sent in [old, state, user] {
        let id = sent["event_id"].as_str().expect("an id").to_owned();
        let event = server
            .get(&format!("v3/rooms/{room}/event/{id}"), &alice)
            .await
            .ok();
        times.push(event["origin_server_ts"].as_i64().expect("a time"));
    }
    assert_eq!(times[..2], [1000, 2000]);
    assert!(times[2] > 1_600_000_000_000);
    assert_eq!(wrong.error(), (400, "M_INVALID_PARAM"));
}
