//! Sessions that end, tokens for others, guests, e-mail addresses.

use gantry_homeserver::{MailConfig, MailSecurity, Mailer, Rate, Rates};
use http::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

use crate::harness::{Options, Server};

#[tokio::test]
async fn an_access_token_ends_softly_and_is_refreshed() {
    let server = Server::start().await;
    server.user("alice", false).await;
    let login = json!({"type": "m.login.password", "user": "alice", "password": "secret",
        "refresh_token": true});
    let login = server.anonymous("v3/login", login).await.ok();
    assert_eq!(login["expires_in_ms"], 300_000);
    let token = login["access_token"].as_str().expect("a token");
    server.get("v3/account/whoami", token).await.ok();

    server.clock.advance(300_000);
    let ended = server.get("v3/account/whoami", token).await;
    let wish = json!({"refresh_token": login["refresh_token"]});
    let next = server.anonymous("v3/refresh", wish.clone()).await.ok();

    assert_eq!(ended.error(), (401, "M_UNKNOWN_TOKEN"));
    assert_eq!(ended.body["soft_logout"], true);
    let token = next["access_token"].as_str().expect("a token");
    server.get("v3/account/whoami", token).await.ok();
    let spent = server.anonymous("v3/refresh", wish).await;
    assert_eq!(spent.error(), (401, "M_UNKNOWN_TOKEN"));
    assert_eq!(spent.body["soft_logout"], true);
}

#[tokio::test]
async fn another_client_logs_in_with_a_token_once() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let path = "v1/login/get_token";
    let auth = json!({"auth": {"type": "m.login.password", "user": "alice",
        "password": "secret"}});

    let asked = server.post(path, &alice, json!({})).await;
    let given = server.post(path, &alice, auth).await.ok();
    let login = json!({"type": "m.login.token", "token": given["login_token"]});
    let first = server.anonymous("v3/login", login.clone()).await.ok();
    let second = server.anonymous("v3/login", login).await;
    let flows = server.ask(Method::GET, "v3/login", None, Value::Null).await;

    assert_eq!(asked.status, 401);
    assert_eq!(given["expires_in_ms"], 120_000);
    assert_eq!(first["user_id"], "@alice:server");
    assert_eq!(second.error(), (403, "M_FORBIDDEN"));
    let flows = flows.ok();
    assert_eq!(
        flows["flows"][1],
        json!({"type": "m.login.token", "get_login_token": true})
    );
}

#[tokio::test]
async fn guests_go_where_guests_may_go() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let open = json!({"preset": "public_chat", "initial_state": [{"type": "m.room.guest_access",
        "state_key": "", "content": {"guest_access": "can_join"}}]});
    let open = server.room(&alice, open).await;
    let shut = server.room(&alice, json!({"preset": "public_chat"})).await;
    let guest = server.anonymous("v3/register?kind=guest", json!({})).await;
    let guest = guest.text("access_token");

    let me = server.get("v3/account/whoami", &guest).await.ok();
    let inside = server
        .post(&format!("v3/join/{open}"), &guest, json!({}))
        .await;
    let outside = server
        .post(&format!("v3/join/{shut}"), &guest, json!({}))
        .await;
    let message = json!({"msgtype": "m.text", "body": "hi"});
    let path = format!("v3/rooms/{open}/send/m.room.message/1");
    let said = server.put(&path, &guest, message).await;
    let room = server.post("v3/createRoom", &guest, json!({})).await;

    assert_eq!(me["is_guest"], true);
    inside.ok();
    assert_eq!(outside.status, 403);
    said.ok();
    assert_eq!(room.error(), (403, "M_GUEST_ACCESS_FORBIDDEN"));
}

#[tokio::test]
async fn without_a_mail_server_addresses_are_refused() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let wish = json!({"client_secret": "s", "email": "a@x.org", "send_attempt": 1});

    let add = server
        .anonymous("v3/account/3pid/email/requestToken", wish.clone())
        .await;
    let register = server
        .anonymous("v3/register/email/requestToken", wish.clone())
        .await;
    let phone = server
        .anonymous("v3/account/3pid/msisdn/requestToken", wish)
        .await;
    let bind = server.post("v3/account/3pid/bind", &alice, json!({})).await;
    let none = server.get("v3/account/3pid", &alice).await.ok();

    assert_eq!(add.error(), (400, "M_THREEPID_MEDIUM_NOT_SUPPORTED"));
    assert_eq!(register.error(), (403, "M_THREEPID_DENIED"));
    assert_eq!(phone.error(), (400, "M_THREEPID_MEDIUM_NOT_SUPPORTED"));
    assert_eq!(bind.error(), (400, "M_SERVER_NOT_TRUSTED"));
    assert_eq!(none["threepids"], json!([]));
}

/// A mail server that takes mail for ever and gives the path of the link in each.
async fn mail_server() -> (Mailer, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (links, received) = tokio::sync::mpsc::channel(8);
    let tasks = tokio_util::task::TaskTracker::new();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let mut is_data = false;
            write.write_all(b"220 test\r\n").await.expect("a greeting");
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, link)) = line.split_once("http://localhost") {
                    links.send(link.to_owned()).await.expect("somebody reads");
                }
                let answer = match line.as_str() {
                    "." => "250 taken\r\n",
                    _ if is_data => "",
                    "DATA" => "354 go on\r\n",
                    "QUIT" => "221 bye\r\n",
                    _ => "250 yes\r\n",
                };
                is_data = (is_data && line != ".") || line == "DATA";
                write.write_all(answer.as_bytes()).await.expect("an answer");
            }
        }
    });
    let mailer = Mailer::new(MailConfig {
        host: "127.0.0.1".to_owned(),
        port,
        security: MailSecurity::None,
        credentials: None,
        from: "noreply@server.org".to_owned(),
    });
    (mailer.expect("a mailer"), received)
}

#[tokio::test]
async fn an_address_is_proven_added_and_resets_the_password() {
    let (mailer, mut links) = mail_server().await;
    let server = Server::start_with(Options {
        mailer: Some(mailer),
        ..Options::default()
    })
    .await;
    let alice = server.user("alice", false).await;
    let wish = json!({"client_secret": "s1", "email": "Alice@x.org", "send_attempt": 1});
    let sid = server
        .anonymous("v3/account/3pid/email/requestToken", wish)
        .await
        .ok();
    let mut creds = json!({"sid": sid["sid"], "client_secret": "s1"});
    creds["auth"] = json!({"type": "m.login.password", "user": "alice", "password": "secret"});

    let early = server
        .post("v3/account/3pid/add", &alice, creds.clone())
        .await;
    assert_eq!(early.error(), (400, "M_THREEPID_AUTH_FAILED"));
    let link = links.recv().await.expect("a mail");
    assert_eq!(server.anonymous(&link, Value::Null).await.status, 200);
    server.post("v3/account/3pid/add", &alice, creds).await.ok();
    let list = server.get("v3/account/3pid", &alice).await.ok();
    assert_eq!(list["threepids"][0]["address"], "alice@x.org");

    // The password is forgotten.
    let wish = json!({"client_secret": "s2", "email": "alice@x.org", "send_attempt": 1});
    let path = "v3/account/password/email/requestToken";
    let sid = server.anonymous(path, wish).await.ok();
    let link = links.recv().await.expect("a mail");
    assert_eq!(server.anonymous(&link, Value::Null).await.status, 200);
    let reset = json!({"new_password": "next", "auth": {"type": "m.login.email.identity",
        "threepid_creds": {"sid": sid["sid"], "client_secret": "s2"}}});
    server
        .anonymous("v3/account/password", reset.clone())
        .await
        .ok();
    let login = json!({"type": "m.login.password", "password": "next",
        "identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "alice@X.org"}});
    let login = server.anonymous("v3/login", login).await.ok();
    assert_eq!(login["user_id"], "@alice:server");
    let spent = server.anonymous("v3/account/password", reset).await;
    assert_eq!(spent.error(), (401, "M_THREEPID_AUTH_FAILED"));
    let unknown = json!({"client_secret": "s3", "email": "b@x.org", "send_attempt": 1});
    let unknown = server.anonymous(path, unknown).await;
    assert_eq!(unknown.error(), (400, "M_THREEPID_NOT_FOUND"));
}

#[tokio::test]
async fn whoever_asks_too_often_has_to_wait() {
    let server = Server::start_with(Options {
        rates: Rates {
            enabled: true,
            login: Rate::of(1, 60, 3),
            send: Rate::of(1, 60, 2),
            ..Rates::default()
        },
        ..Options::default()
    })
    .await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({})).await;
    let send = |number: usize| {
        let path = format!("v3/rooms/{room}/send/m.room.message/{number}");
        let (server, alice) = (&server, &alice);
        async move {
            let body = json!({"msgtype": "m.text", "body": "hi"});
            server.put(&path, alice, body).await
        }
    };

    send(1).await.ok();
    send(2).await.ok();
    let refused = send(3).await;
    server.clock.advance(60_000);
    send(4).await.ok();
    server.login("alice").await;
    server.login("alice").await;
    server.login("alice").await;
    let body = json!({"type": "m.login.password", "user": "alice", "password": "secret"});
    let login = server.anonymous("v3/login", body).await;

    assert_eq!(refused.error(), (429, "M_LIMIT_EXCEEDED"));
    assert_eq!(refused.body["retry_after_ms"], 60_000);
    assert_eq!(login.error(), (429, "M_LIMIT_EXCEEDED"));
}
