//! Administrators, and what becomes of those whom they govern.

use http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test]
async fn a_locked_account_can_do_nothing_but_log_out() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let path = "v1/admin/lock/@alice:server";
    server.get("v3/account/whoami", &alice).await.ok();

    let before = server.get(path, &admin).await.ok();
    let set = server.put(path, &admin, json!({"locked": true})).await.ok();
    let me = server.get("v3/account/whoami", &alice).await;
    let login = json!({"type": "m.login.password", "user": "alice", "password": "secret"});
    let login = server.anonymous("v3/login", login).await;
    let out = server.post("v3/logout", &alice, json!({})).await;

    assert_eq!(before, json!({"locked": false}));
    assert_eq!(set, json!({"locked": true}));
    assert_eq!(me.error(), (401, "M_USER_LOCKED"));
    assert_eq!(me.body["soft_logout"], true);
    assert_eq!(login.error(), (401, "M_USER_LOCKED"));
    out.ok();
    server
        .put(path, &admin, json!({"locked": false}))
        .await
        .ok();
    let again = server.login("alice").await;
    server.get("v3/account/whoami", &again).await.ok();
}

#[tokio::test]
async fn a_suspended_user_reads_and_leaves_but_says_nothing() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let room = server.room(&admin, json!({"preset": "public_chat"})).await;
    let other = server.room(&admin, json!({"preset": "public_chat"})).await;
    server
        .post(&format!("v3/join/{room}"), &alice, json!({}))
        .await
        .ok();
    let send = format!("v3/rooms/{room}/send/m.room.message");
    let text = json!({"msgtype": "m.text", "body": "hi"});
    let mine = server
        .put(&format!("{send}/1"), &alice, text.clone())
        .await
        .text("event_id");
    let theirs = server
        .put(&format!("{send}/1"), &admin, text.clone())
        .await
        .text("event_id");

    let suspend = "v1/admin/suspend/@alice:server";
    server
        .put(suspend, &admin, json!({"suspended": true}))
        .await
        .ok();

    let refused = [
        server.put(&format!("{send}/2"), &alice, text).await,
        server
            .post(&format!("v3/join/{other}"), &alice, json!({}))
            .await,
        server.post("v3/createRoom", &alice, json!({})).await,
        server
            .post(
                &format!("v3/rooms/{room}/invite"),
                &alice,
                json!({"user_id": "@x:server"}),
            )
            .await,
        server
            .put(
                "v3/profile/@alice:server/displayname",
                &alice,
                json!({"displayname": "x"}),
            )
            .await,
        server
            .put(
                &format!("v3/rooms/{room}/redact/{theirs}/3"),
                &alice,
                json!({}),
            )
            .await,
    ];
    for answer in refused {
        assert_eq!(answer.error(), (403, "M_USER_SUSPENDED"), "{}", answer.body);
    }
    server.get("v3/sync", &alice).await.ok();
    server
        .put(
            &format!("v3/rooms/{room}/redact/{mine}/4"),
            &alice,
            json!({}),
        )
        .await
        .ok();
    server
        .post(&format!("v3/rooms/{room}/leave"), &alice, json!({}))
        .await
        .ok();
    assert_eq!(server.get(suspend, &admin).await.ok()["suspended"], true);
}

#[tokio::test]
async fn power_over_accounts_has_its_bounds() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    server.user("root2", true).await;
    let alice = server.user("alice", false).await;
    let lock = |user: &'static str| {
        let (server, admin) = (&server, &admin);
        async move {
            let path = format!("v1/admin/lock/{user}");
            server.put(&path, admin, json!({"locked": true})).await
        }
    };

    assert_eq!(lock("@nobody:server").await.error(), (404, "M_NOT_FOUND"));
    assert_eq!(lock("@a:other.org").await.error(), (400, "M_INVALID_PARAM"));
    assert_eq!(lock("@root:server").await.error(), (403, "M_FORBIDDEN"));
    assert_eq!(lock("@root2:server").await.error(), (403, "M_FORBIDDEN"));
    let path = "v1/admin/lock/@nobody:server";
    let user = server.put(path, &alice, json!({"locked": true})).await;
    assert_eq!(user.error(), (403, "M_FORBIDDEN"));
    let capabilities = server.get("v3/capabilities", &admin).await.ok();
    let moderation = &capabilities["capabilities"]["m.account_moderation"];
    assert_eq!(moderation, &json!({"suspend": true, "lock": true}));
    let own = server.get("v3/capabilities", &alice).await.ok();
    assert!(own["capabilities"]["m.account_moderation"].is_null());
}

#[tokio::test]
async fn whois_tells_the_connections() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    server.get("v3/account/whoami", &alice).await.ok();

    let path = "v3/admin/whois/@alice:server";
    let by_admin = server.get(path, &admin).await.ok();
    server.get(path, &alice).await.ok();
    let other = server.get("v3/admin/whois/@root:server", &alice).await;

    assert_eq!(by_admin["user_id"], "@alice:server");
    let devices = by_admin["devices"].as_object().expect("devices");
    let device = devices.values().next().expect("a device");
    let connection = &device["sessions"][0]["connections"][0];
    assert_eq!(connection["ip"], "0.0.0.0");
    assert_eq!(connection["last_seen"], 1_700_000_000_000_i64);
    assert_eq!(other.error(), (403, "M_FORBIDDEN"));
}

#[tokio::test]
async fn moderation_tools_find_the_users_that_they_know_from_synapse() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let base = "/_synapse/admin/v2/users";

    let made = json!({"password": "secret", "displayname": "Bob", "admin": false});
    let made = server
        .put(&format!("{base}/@bob:server"), &admin, made)
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body["displayname"], "Bob");
    let changed =
        json!({"displayname": null, "threepids": [{"medium": "email", "address": "b@x.org"}]});
    let changed = server
        .put(&format!("{base}/@bob:server"), &admin, changed)
        .await
        .ok();
    assert_eq!(changed["displayname"], Value::Null);
    assert_eq!(changed["threepids"][0]["address"], "b@x.org");
    assert_eq!(changed["creation_ts"], 1_700_000_000);
    let bob = server.login("bob").await;

    let list = server
        .get(&format!("{base}?limit=1&from=0"), &admin)
        .await
        .ok();
    assert_eq!(
        (&list["total"], &list["next_token"]),
        (&json!(2), &json!("1"))
    );
    assert_eq!(list["users"][0]["name"], "@bob:server");
    let search = server.get(&format!("{base}?name=roo"), &admin).await.ok();
    assert_eq!(search["total"], 1);
    let one = "/_synapse/admin/v1/users/@bob:server/admin";
    server.put(one, &admin, json!({"admin": true})).await.ok();
    assert_eq!(server.get(one, &admin).await.ok()["admin"], true);
    server.put(one, &admin, json!({"admin": false})).await.ok();
    assert_eq!(server.get(base, &bob).await.error(), (403, "M_FORBIDDEN"));

    let reset = json!({"new_password": "other"});
    let path = "/_synapse/admin/v1/reset_password/@bob:server";
    server.post(path, &admin, reset).await.ok();
    let ended = server.get("v3/account/whoami", &bob).await;
    assert_eq!(ended.error(), (401, "M_UNKNOWN_TOKEN"));
    let path = "/_synapse/admin/v1/deactivate/@bob:server";
    let done = server.post(path, &admin, json!({"erase": true})).await.ok();
    assert_eq!(done["id_server_unbind_result"], "success");
    let gone = server
        .get(&format!("{base}/@bob:server"), &admin)
        .await
        .ok();
    assert_eq!(
        (&gone["deactivated"], &gone["erased"]),
        (&json!(true), &json!(true))
    );
    let back = json!({"deactivated": false, "password": "secret"});
    server
        .put(&format!("{base}/@bob:server"), &admin, back)
        .await
        .ok();
    assert!(!server.login("bob").await.is_empty());
}

#[tokio::test]
async fn moderation_tools_find_the_rooms() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let alice = server.user("alice", false).await;
    let wish = json!({"preset": "public_chat", "name": "Things", "room_version": "11"});
    let room = server.room(&alice, wish).await;
    server.room(&alice, json!({"name": "Another"})).await;
    let base = "/_synapse/admin/v1/rooms";

    let list = server.get(base, &admin).await.ok();
    let found = server
        .get(&format!("{base}?search_term=thing"), &admin)
        .await
        .ok();
    let members = server
        .get(&format!("{base}/{room}/members"), &admin)
        .await
        .ok();
    let state = server
        .get(&format!("{base}/{room}/state"), &admin)
        .await
        .ok();
    let joined = "/_synapse/admin/v1/users/@alice:server/joined_rooms";
    let joined = server.get(joined, &admin).await.ok();

    assert_eq!(list["total_rooms"], 2);
    assert_eq!(list["rooms"][0]["name"], "Another");
    let one = &found["rooms"][0];
    assert_eq!(one["room_id"], room.as_str());
    assert_eq!(one["joined_local_members"], 1);
    assert_eq!(one["version"], "11");
    assert_eq!(one["creator"], "@alice:server");
    assert_eq!(one["join_rules"], "public");
    assert_eq!(members, json!({"members": ["@alice:server"], "total": 1}));
    assert!(
        state["state"]
            .as_array()
            .is_some_and(|state| state.len() > 3)
    );
    assert_eq!(joined["total"], 2);

    server
        .put(
            &format!("{base}/{room}/block"),
            &admin,
            json!({"block": true}),
        )
        .await
        .ok();
    let block = server
        .get(&format!("{base}/{room}/block"), &admin)
        .await
        .ok();
    assert_eq!(block, json!({"block": true, "user_id": "@root:server"}));
    let bob = server.user("bob", false).await;
    let refused = server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await;
    assert_eq!(refused.error(), (403, "M_FORBIDDEN"));
    server
        .put(
            &format!("{base}/{room}/block"),
            &admin,
            json!({"block": false}),
        )
        .await
        .ok();
    let path = format!("/_synapse/admin/v1/join/{room}");
    let user = json!({"user_id": "@bob:server"});
    let brought = server.post(&path, &admin, user).await.ok();
    assert_eq!(brought["room_id"], room.as_str());
}

#[tokio::test]
async fn registration_tokens_are_made_and_listed() {
    let server = Server::start().await;
    let admin = server.user("root", true).await;
    let base = "/_synapse/admin/v1/registration_tokens";

    let wish = json!({"token": "abc", "uses_allowed": 2});
    let made = server
        .post(&format!("{base}/new"), &admin, wish.clone())
        .await
        .ok();
    let again = server.post(&format!("{base}/new"), &admin, wish).await;
    let list = server.get(base, &admin).await.ok();
    let path = format!("{base}/abc");
    server
        .ask(Method::DELETE, &path, Some(&admin), Value::Null)
        .await
        .ok();
    let gone = server
        .ask(Method::DELETE, &path, Some(&admin), Value::Null)
        .await;

    let expected = json!({"token": "abc", "uses_allowed": 2, "pending": 0, "completed": 0,
        "expiry_time": null});
    assert_eq!(made, expected);
    assert_eq!(again.error(), (400, "M_INVALID_PARAM"));
    assert_eq!(list["registration_tokens"], json!([expected]));
    assert_eq!(gone.error(), (404, "M_NOT_FOUND"));
}
