//! User-interactive authentication, and the flows of registration.

use gantry_homeserver::{AccountPolicy, Term};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Options, Server};

fn term() -> Term {
    Term {
        id: "privacy".to_owned(),
        version: "1.0".to_owned(),
        language: "en".to_owned(),
        url: "https://x.org/p".to_owned(),
        name: "Privacy".to_owned(),
    }
}

#[tokio::test]
async fn registration_takes_a_token_and_the_terms_in_one_session() {
    let server = Server::start_with(Options {
        is_closed: true,
        accounts: AccountPolicy {
            token_required: true,
            terms: vec![term()],
            ..AccountPolicy::default()
        },
        ..Options::default()
    })
    .await;
    let once = Some("once".to_owned());
    let sessions = &server.hs.sessions;
    sessions
        .create_registration_token_directly(once, Some(1), None)
        .await
        .expect("a token");
    let register = |auth: Value| {
        let mut body = json!({"username": "alice", "password": "secret", "refresh_token": true});
        body["auth"] = auth;
        server.anonymous("v3/register", body)
    };

    let first = register(Value::Null).await;
    assert_eq!(first.status, 401);
    let flow = json!([{"stages": ["m.login.registration_token", "m.login.terms"]}]);
    assert_eq!(first.body["flows"], flow);
    let policy = json!({"version": "1.0", "en": {"name": "Privacy", "url": "https://x.org/p"}});
    assert_eq!(
        first.body["params"]["m.login.terms"]["policies"]["privacy"],
        policy
    );
    let session = first.text("session");

    let wrong = json!({"type": "m.login.registration_token", "token": "no", "session": session});
    assert_eq!(register(wrong).await.error(), (401, "M_UNAUTHORIZED"));
    let valid = "v1/register/m.login.registration_token/validity?token=once";
    let asked = || server.ask(Method::GET, valid, None, Value::Null);
    assert_eq!(asked().await.ok()["valid"], true);
    let right = json!({"type": "m.login.registration_token", "token": "once", "session": session});
    let second = register(right).await;
    assert_eq!(second.status, 401);
    assert_eq!(
        second.body["completed"],
        json!(["m.login.registration_token"])
    );
    // With a stage done, the request may not become another one.
    let other = json!({
        "username": "mallory", "password": "secret",
        "auth": {"type": "m.login.terms", "session": session},
    });
    let refused = server.anonymous("v3/register", other).await;
    assert_eq!(refused.error(), (403, "M_FORBIDDEN"));

    let done = register(json!({"type": "m.login.terms", "session": session})).await;
    let done = done.ok();
    assert_eq!(done["user_id"], "@alice:server");
    assert_eq!(done["expires_in_ms"], 300_000);
    assert!(done["refresh_token"].is_string());
    assert_eq!(asked().await.ok()["valid"], false);
    let closed = register(json!({"type": "m.login.terms", "session": session})).await;
    assert_eq!(closed.error(), (400, "M_USER_IN_USE"));
}

#[tokio::test]
async fn a_stage_can_be_done_in_a_browser() {
    let server = Server::start_with(Options {
        accounts: AccountPolicy {
            terms: vec![term()],
            ..AccountPolicy::default()
        },
        ..Options::default()
    })
    .await;
    let body = json!({"username": "alice", "password": "secret"});
    let session = server
        .anonymous("v3/register", body.clone())
        .await
        .text("session");
    let page = format!("v3/auth/m.login.terms/fallback/web?session={session}");

    let shown = server.ask(Method::GET, &page, None, Value::Null).await;
    let agreed = server.ask(Method::POST, &page, None, Value::Null).await;
    let mut body = body;
    body["auth"] = json!({"session": session});
    let done = server.anonymous("v3/register", body).await;
    let none = "v3/auth/m.login.password/fallback/web?session=x";
    let none = server.ask(Method::GET, none, None, Value::Null).await;

    assert_eq!((shown.status.as_u16(), agreed.status.as_u16()), (200, 200));
    assert_eq!(done.ok()["user_id"], "@alice:server");
    assert_eq!(none.error(), (404, "M_NOT_FOUND"));
}

#[tokio::test]
async fn open_registration_takes_the_dummy_stage_at_once() {
    let server = Server::start().await;

    let body = json!({"username": "a", "password": "p", "auth": {"type": "m.login.dummy"}});
    let done = server.anonymous("v3/register", body).await.ok();
    let none = json!({"username": "b", "password": "p"});
    let challenge = server.anonymous("v3/register", none).await;
    let unknown = json!({"username": "b", "password": "p",
        "auth": {"type": "m.login.dummy", "session": "nonsense"}});
    let unknown = server.anonymous("v3/register", unknown).await;
    let validity = "v1/register/m.login.registration_token/validity?token=x";
    let validity = server.ask(Method::GET, validity, None, Value::Null).await;

    assert!(done["access_token"].is_string() && done["refresh_token"].is_null());
    assert_eq!(
        challenge.body["flows"],
        json!([{"stages": ["m.login.dummy"]}])
    );
    assert_eq!(unknown.error(), (400, "M_UNKNOWN"));
    assert_eq!(validity.error(), (403, "M_FORBIDDEN"));
}

#[tokio::test]
async fn a_password_is_asked_for_and_must_be_the_users() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    server.user("bob", false).await;
    let other = server.login("alice").await;
    let change = |user: &str, password: &str| {
        json!({"new_password": "next", "auth": {
            "type": "m.login.password", "password": password,
            "identifier": {"type": "m.id.user", "user": user},
        }})
    };

    let path = "v3/account/password";
    let asked = server
        .post(path, &alice, json!({"new_password": "next"}))
        .await;
    let wrong = server.post(path, &alice, change("alice", "x")).await;
    let foreign = server.post(path, &alice, change("bob", "secret")).await;
    let anonymous = server
        .anonymous(path, json!({"new_password": "next"}))
        .await;
    let done = server.post(path, &alice, change("alice", "secret")).await;

    assert_eq!(asked.status, 401);
    assert_eq!(
        asked.body["flows"],
        json!([{"stages": ["m.login.password"]}])
    );
    assert!(asked.body["session"].is_string() && asked.body["errcode"].is_null());
    assert_eq!(wrong.error(), (401, "M_FORBIDDEN"));
    assert_eq!(foreign.error(), (401, "M_FORBIDDEN"));
    assert_eq!(anonymous.error(), (401, "M_MISSING_TOKEN"));
    done.ok();
    let me = server.get("v3/account/whoami", &alice).await.ok();
    assert_eq!(me["user_id"], "@alice:server");
    let ended = server.get("v3/account/whoami", &other).await;
    assert_eq!(ended.error(), (401, "M_UNKNOWN_TOKEN"));
    assert_eq!(ended.body["soft_logout"], Value::Null);
}

#[tokio::test]
async fn a_session_is_for_one_device_only() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    server.login("alice").await;
    let devices = server.get("v3/devices", &alice).await.ok();
    let ids: Vec<String> = devices["devices"]
        .as_array()
        .expect("devices")
        .iter()
        .map(|device| device["device_id"].as_str().expect("an id").to_owned())
        .collect();
    let delete = |id: &str, body: Value| {
        let path = format!("v3/devices/{id}");
        let (server, alice) = (&server, &alice);
        async move { server.ask(Method::DELETE, &path, Some(alice), body).await }
    };

    let session = delete(&ids[0], json!({})).await.text("session");
    let auth = json!({"auth": {"type": "m.login.password", "session": session,
        "user": "alice", "password": "secret"}});
    let carried_over = delete(&ids[1], auth.clone()).await;
    let done = delete(&ids[0], auth.clone()).await;
    let spent = delete(&ids[0], auth).await;

    assert_eq!(carried_over.error(), (403, "M_FORBIDDEN"));
    // The device that was deleted may have been the one that asked.
    assert_eq!(done.status, 200);
    assert!(matches!(spent.status.as_u16(), 400 | 401));
}

#[tokio::test]
async fn deactivation_needs_no_session_but_the_password() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let body = json!({"erase": true, "auth": {"type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret"}});

    let done = server.anonymous("v3/account/deactivate", body).await.ok();

    assert_eq!(done["id_server_unbind_result"], "no-support");
    let ended = server.get("v3/account/whoami", &alice).await;
    assert_eq!(ended.error(), (401, "M_UNKNOWN_TOKEN"));
    let login = json!({"type": "m.login.password", "password": "secret",
        "identifier": {"type": "m.id.user", "user": "alice"}});
    let login = server.anonymous("v3/login", login).await;
    assert_eq!(login.error(), (403, "M_USER_DEACTIVATED"));
}
