//! Profiles, account data, finding and reporting people, OpenID.

use http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test]
async fn profile_fields_are_set_shown_and_taken_away() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let field = |name: &str| format!("v3/profile/@alice:server/{name}");
    let put = |name: &'static str, value: Value| {
        let (server, alice, path) = (&server, &alice, field(name));
        async move { server.put(&path, alice, json!({name: value})).await }
    };

    put("m.tz", json!("Europe/Paris")).await.ok();
    put("org.example.any", json!({"a": [1]})).await.ok();
    put("org.example.null", Value::Null).await.ok();
    put("displayname", json!("Alice")).await.ok();
    let bad = server
        .put(&field("Bad%20Key"), &alice, json!({"Bad Key": 1}))
        .await;
    let text = put("displayname", json!(1)).await;
    let large = put("org.example.large", json!("x".repeat(66_000))).await;
    let missing = server
        .put(&field("m.tz"), &alice, json!({"other": 1}))
        .await;
    let long = "a".repeat(256);
    let long = server
        .put(&field(&long), &alice, json!({long.clone(): 1}))
        .await;
    let foreign = server
        .put("v3/profile/@bob:server/m.tz", &alice, json!({"m.tz": 1}))
        .await;
    let whole = server.get("v3/profile/@alice:server", &alice).await.ok();

    assert_eq!(bad.error(), (400, "M_INVALID_PARAM"));
    assert_eq!(text.error(), (400, "M_BAD_JSON"));
    assert_eq!(large.error(), (400, "M_PROFILE_TOO_LARGE"));
    assert_eq!(missing.error(), (400, "M_MISSING_PARAM"));
    assert_eq!(long.error(), (400, "M_KEY_TOO_LARGE"));
    assert_eq!(foreign.error(), (403, "M_FORBIDDEN"));
    assert_eq!(
        whole,
        json!({"m.tz": "Europe/Paris", "org.example.any": {"a": [1]},
            "org.example.null": null, "displayname": "Alice"})
    );
    let delete = field("m.tz");
    server
        .ask(Method::DELETE, &delete, Some(&alice), Value::Null)
        .await
        .ok();
    let gone = server.get(&delete, &alice).await;
    assert_eq!(gone.error(), (404, "M_NOT_FOUND"));
}

#[tokio::test]
async fn a_new_name_goes_as_far_as_wished() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let plain = server.room(&alice, json!({})).await;
    let own = server.room(&alice, json!({})).await;
    let member = |room: &str| format!("v3/rooms/{room}/state/m.room.member/@alice:server");
    let nick = json!({"membership": "join", "displayname": "Nick"});
    server.put(&member(&own), &alice, nick).await.ok();
    let rename = |name: &'static str, to: &'static str| {
        let (server, alice) = (&server, &alice);
        async move {
            let path = format!(
                "v3/profile/@alice:server/displayname?computer.gingershaped.msc4466.propagate_to={to}"
            );
            server.put(&path, alice, json!({"displayname": name})).await
        }
    };
    let names = || async {
        let mut names = Vec::new();
        for room in [&plain, &own] {
            let content = server.get(&member(room), &alice).await.ok();
            names.push(content["displayname"].clone());
        }
        names
    };

    rename("One", "unchanged").await.ok();
    assert_eq!(names().await, ["One", "Nick"]);
    rename("Two", "none").await.ok();
    assert_eq!(names().await, ["One", "Nick"]);
    rename("Three", "all").await.ok();
    assert_eq!(names().await, ["Three", "Three"]);
    assert_eq!(
        rename("Four", "some").await.error(),
        (400, "M_INVALID_PARAM")
    );
}

#[tokio::test]
async fn account_data_is_deleted() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let path = "v3/user/@alice:server/account_data/org.x";
    let unstable = "unstable/org.matrix.msc3391/user/@alice:server/account_data/org.x";

    server.put(path, &alice, json!({"a": 1})).await.ok();
    let since = server.get("v3/sync", &alice).await.ok();
    server
        .ask(Method::DELETE, unstable, Some(&alice), Value::Null)
        .await
        .ok();
    let gone = server.get(path, &alice).await;
    let next = format!(
        "v3/sync?since={}",
        since["next_batch"].as_str().expect("a token")
    );
    let next = server.get(&next, &alice).await.ok();
    let whole = server.get("v3/sync", &alice).await.ok();
    let kept = "v3/user/@alice:server/account_data/m.push_rules";
    let kept = server.put(kept, &alice, json!({})).await;

    assert_eq!(gone.error(), (404, "M_NOT_FOUND"));
    let told = &next["account_data"]["events"];
    assert_eq!(told, &json!([{"type": "org.x", "content": {}}]));
    let all = whole["account_data"]["events"].to_string();
    assert!(!all.contains("org.x"), "{all}");
    assert_eq!(kept.error(), (405, "M_BAD_JSON"));
}

#[tokio::test]
async fn people_are_found_where_they_are_met() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    server.user("bobby", false).await;
    let search = |term: &'static str| {
        let (server, alice) = (&server, &alice);
        async move {
            let body = json!({"search_term": term});
            server
                .post("v3/user_directory/search", alice, body)
                .await
                .ok()
        }
    };

    let before = search("bob").await;
    let room = server.room(
        &alice,
        json!({"preset": "private_chat", "invite": ["@bob:server"]}),
    );
    let room = room.await;
    server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await
        .ok();
    let member = format!("v3/rooms/{room}/state/m.room.member/@bob:server");
    let nick = json!({"membership": "join", "displayname": "Secretname"});
    server.put(&member, &bob, nick).await.ok();
    let after = search("BOB").await;
    let nick = search("secretname").await;
    let own = search("alice").await;

    assert_eq!(before, json!({"results": [], "limited": false}));
    assert_eq!(after["results"][0]["user_id"], "@bob:server");
    assert_eq!(after["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(nick["results"], json!([]));
    assert_eq!(own["results"], json!([]));
}

#[tokio::test]
async fn reports_reach_an_administrator() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({})).await;
    let path = format!("v3/rooms/{room}/send/m.room.message/1");
    let said = json!({"msgtype": "m.text", "body": "hi"});
    let event = server.put(&path, &alice, said).await.text("event_id");
    let report = |path: String, body: Value| {
        let (server, alice) = (&server, &alice);
        async move { server.post(&path, alice, body).await }
    };
    let why = json!({"reason": "bad"});

    report(format!("v3/rooms/{room}/report/{event}"), why.clone())
        .await
        .ok();
    server.clock.advance(1);
    report(format!("v3/rooms/{room}/report"), json!({"reason": ""}))
        .await
        .ok();
    server.clock.advance(1);
    report("v3/users/@root:server/report".to_owned(), why.clone())
        .await
        .ok();
    let none = report(format!("v3/rooms/{room}/report/$nothing"), why.clone()).await;
    let nobody = report("v3/users/@nobody:server/report".to_owned(), why.clone()).await;
    let foreign = format!("v3/rooms/{room}/report/{event}");
    let foreign = server.post(&foreign, &admin, why).await;
    let bare = report(format!("v3/rooms/{room}/report"), json!({})).await;
    let list = server
        .get("/_synapse/admin/v1/event_reports", &admin)
        .await
        .ok();
    let refused = server.get("/_synapse/admin/v1/event_reports", &alice).await;

    assert_eq!(none.error(), (404, "M_NOT_FOUND"));
    assert_eq!(nobody.error(), (404, "M_NOT_FOUND"));
    assert_eq!(foreign.error(), (404, "M_NOT_FOUND"));
    assert_eq!(bare.error(), (400, "M_MISSING_PARAM"));
    assert_eq!(refused.error(), (403, "M_FORBIDDEN"));
    assert_eq!(list["total"], 3);
    assert_eq!(list["event_reports"][0]["reported_user_id"], "@root:server");
    assert_eq!(list["event_reports"][2]["event_id"], event.as_str());
    assert_eq!(list["event_reports"][2]["reason"], "bad");
}

#[tokio::test]
async fn openid_tokens_tell_others_who_the_user_is() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let path = "v3/user/@alice:server/openid/request_token";

    let given = server.post(path, &alice, json!({})).await.ok();
    let token = given["access_token"].as_str().expect("a token");
    let ask = |token: &str| {
        let path = format!("/_matrix/federation/v1/openid/userinfo?access_token={token}");
        let server = &server;
        async move { server.ask(Method::GET, &path, None, Value::Null).await }
    };
    let told = ask(token).await.ok();
    let own = ask(&alice).await;
    let foreign = "v3/user/@bob:server/openid/request_token";
    let foreign = server.post(foreign, &alice, json!({})).await;
    let as_login = server.get("v3/account/whoami", token).await;

    assert_eq!(given["token_type"], "Bearer");
    assert_eq!(given["expires_in"], 3600);
    assert_eq!(given["matrix_server_name"], "server");
    assert_eq!(told, json!({"sub": "@alice:server"}));
    assert_eq!(own.error(), (401, "M_UNKNOWN_TOKEN"));
    assert_eq!(foreign.error(), (403, "M_FORBIDDEN"));
    assert_eq!(as_login.error(), (401, "M_UNKNOWN_TOKEN"));
}

#[tokio::test]
async fn there_are_no_other_networks() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;

    let protocols = server.get("v3/thirdparty/protocols", &alice).await.ok();
    let protocol = server.get("v3/thirdparty/protocol/irc", &alice).await;
    let users = server.get("v3/thirdparty/user/irc", &alice).await.ok();
    let support = server.ask(
        Method::GET,
        "/.well-known/matrix/support",
        None,
        Value::Null,
    );

    assert_eq!(protocols, json!({}));
    assert_eq!(protocol.error(), (404, "M_NOT_FOUND"));
    assert_eq!(users, json!([]));
    assert_eq!(support.await.error(), (404, "M_NOT_FOUND"));
}

#[tokio::test]
async fn a_room_is_not_made_where_nobody_knows_the_invited_addresses() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let ben = json!({"id_server": "id.example", "id_access_token": "t", "medium": "email",
        "address": "ben@example.org"});

    let refused = server
        .post("v3/createRoom", &alice, json!({"invite_3pid": [ben]}))
        .await;
    let half = json!({"invite_3pid": [{"medium": "email"}]});
    let half = server.post("v3/createRoom", &alice, half).await;

    assert_eq!(refused.error(), (400, "M_SERVER_NOT_TRUSTED"));
    assert_eq!(half.error(), (400, "M_BAD_JSON"));
    let joined = server.get("v3/joined_rooms", &alice).await.ok();
    assert_eq!(joined, json!({"joined_rooms": []}));
}
