//! Push rules, what is unread by them, and notifications.

use gantry_homeserver::{
    CreateRoom, NewMessage, NotificationsQuery, Preset, ReceiptKind, RulePlace, Session,
};
use gantry_model::{ErrorKind, id::OwnedEventId, id::OwnedRoomId};
use ruma::push::{NewConditionalPushRule, NewPatternedPushRule, NewPushRule, RuleKind};

use crate::harness::{Server, json};

/// Alice and Bob in a room.
async fn in_a_room(server: &Server) -> (Session, Session, OwnedRoomId) {
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let wish = CreateRoom {
        preset: Some(Preset::PublicChat),
        ..CreateRoom::default()
    };
    let hs = &server.hs;
    let room = hs.creation.create_room(&alice, wish).await.expect("works");
    hs.membership
        .join(&bob, (&*room).into(), vec![], None)
        .await
        .expect("works");
    (alice, bob, room)
}

async fn send(server: &Server, by: &Session, room: &OwnedRoomId, content: &str) -> OwnedEventId {
    let message = NewMessage {
        room: room.clone(),
        kind: "m.room.message".to_owned(),
        content: json(content),
        txn: None,
        rc: None,
        ts: None,
    };
    let sent = server.hs.messaging.send(by, message).await;
    sent.expect("works").event_id
}

/// Notifications and highlights of the main timeline, and of the only thread.
async fn counts(server: &Server, by: &Session, room: &OwnedRoomId) -> [u64; 4] {
    let unread = server.hs.user_data.unread(by, room).await.expect("works");
    let thread = unread.threads.values().next().copied().unwrap_or_default();
    [
        unread.notifications,
        unread.highlights,
        thread.notifications,
        thread.highlights,
    ]
}

async fn read(
    server: &Server,
    by: &Session,
    room: &OwnedRoomId,
    event: &OwnedEventId,
    thread: Option<&str>,
) {
    let thread = thread.map(str::to_owned);
    server
        .hs
        .user_data
        .set_receipt(by, room, ReceiptKind::Read, event, thread)
        .await
        .expect("works");
}

#[tokio::test]
async fn threads_are_counted_and_read_apart() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    let a = send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"A"}"#).await;
    let in_thread = |body: &str| {
        format!(
            r#"{{"msgtype":"m.text","body":"{body}","m.relates_to":{{"rel_type":"m.thread","event_id":"{a}"}}}}"#
        )
    };
    let b = send(&server, &alice, &room, &in_thread("B")).await;
    send(&server, &alice, &room, &in_thread("C, @bob:server")).await;
    let d = send(
        &server,
        &alice,
        &room,
        r#"{"msgtype":"m.text","body":"bob!"}"#,
    )
    .await;
    send(&server, &alice, &room, &in_thread("E")).await;

    assert_eq!(counts(&server, &bob, &room).await, [2, 1, 3, 1]);
    read(&server, &bob, &room, &a, Some("main")).await;
    assert_eq!(counts(&server, &bob, &room).await, [1, 1, 3, 1]);
    read(&server, &bob, &room, &b, Some(a.as_str())).await;
    assert_eq!(counts(&server, &bob, &room).await, [1, 1, 2, 1]);
    read(&server, &bob, &room, &d, None).await;
    assert_eq!(counts(&server, &bob, &room).await, [0, 0, 1, 0]);
    send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"F"}"#).await;
    assert_eq!(counts(&server, &bob, &room).await, [1, 0, 1, 0]);
}

#[tokio::test]
async fn rules_redactions_and_ignored_users_change_the_counts() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    let data = &server.hs.user_data;
    let said = send(
        &server,
        &alice,
        &room,
        r#"{"msgtype":"m.text","body":"tea"}"#,
    )
    .await;
    send(
        &server,
        &alice,
        &room,
        r#"{"msgtype":"m.notice","body":"n"}"#,
    )
    .await;
    send(&server, &bob, &room, r#"{"msgtype":"m.text","body":"own"}"#).await;
    assert_eq!(counts(&server, &bob, &room).await, [1, 0, 0, 0]);

    let highlight = serde_json::from_str(r#"["notify",{"set_tweak":"highlight"}]"#);
    let word = NewPatternedPushRule::new("tea".into(), "tea".into(), highlight.expect("actions"));
    let place = RulePlace::default();
    data.put_push_rule(&bob, NewPushRule::Content(word), &place)
        .await
        .expect("works");
    assert_eq!(counts(&server, &bob, &room).await, [1, 1, 0, 0]);

    server
        .hs
        .messaging
        .redact(&alice, &room, &said, None, None)
        .await
        .expect("works");
    assert_eq!(counts(&server, &bob, &room).await, [0, 0, 0, 0]);

    send(
        &server,
        &alice,
        &room,
        r#"{"msgtype":"m.text","body":"more tea"}"#,
    )
    .await;
    let mentions = r#"{"msgtype":"m.text","body":"x","m.mentions":{"user_ids":["@bob:server"]}}"#;
    send(&server, &alice, &room, mentions).await;
    let everybody = r#"{"msgtype":"m.text","body":"x","m.mentions":{"room":true}}"#;
    send(&server, &alice, &room, everybody).await;
    assert_eq!(counts(&server, &bob, &room).await, [3, 3, 0, 0]);

    data.enable_push_rule(&bob, RuleKind::Override, ".m.rule.master", true)
        .await
        .expect("works");
    assert_eq!(counts(&server, &bob, &room).await, [0, 0, 0, 0]);
    data.enable_push_rule(&bob, RuleKind::Override, ".m.rule.master", false)
        .await
        .expect("works");
    assert_eq!(counts(&server, &bob, &room).await, [3, 3, 0, 0]);

    let ignored = json(r#"{"ignored_users":{"@alice:server":{}}}"#);
    data.set_account_data(&bob, None, "m.ignored_user_list", ignored)
        .await
        .expect("works");
    assert_eq!(counts(&server, &bob, &room).await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn counts_are_exact_beyond_what_is_kept() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    for _ in 0..120 {
        send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"x"}"#).await;
    }

    assert_eq!(counts(&server, &bob, &room).await, [120, 0, 0, 0]);
}

#[tokio::test]
async fn rules_are_kept_in_their_order() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let data = &server.hs.user_data;
    let rule =
        |id: &str| NewPushRule::Override(NewConditionalPushRule::new(id.into(), vec![], vec![]));
    let before = |id: &str| RulePlace {
        before: Some(id.to_owned()),
        after: None,
    };

    data.put_push_rule(&alice, rule("one"), &RulePlace::default())
        .await
        .expect("works");
    data.put_push_rule(&alice, rule("two"), &before("one"))
        .await
        .expect("works");
    let unknown = data
        .put_push_rule(&alice, rule("x"), &before("nothing"))
        .await;
    let dotted = data
        .put_push_rule(&alice, rule(".x"), &RulePlace::default())
        .await;
    let predefined = data
        .remove_push_rule(&alice, RuleKind::Override, ".m.rule.master")
        .await;
    let missing = data.remove_push_rule(&alice, RuleKind::Room, "!a:b").await;

    let rules = data.push_rules(&alice).await.expect("works");
    let ids: Vec<_> = rules.override_.iter().map(|rule| &*rule.rule_id).collect();
    assert_eq!(ids[..3], [".m.rule.master", "two", "one"]);
    assert_eq!(unknown.expect_err("refused").kind(), ErrorKind::WrongState);
    assert_eq!(dotted.expect_err("refused").kind(), ErrorKind::WrongState);
    assert_eq!(
        predefined.expect_err("refused").kind(),
        ErrorKind::WrongState
    );
    assert_eq!(missing.expect_err("refused").kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn notifications_come_newest_first_from_all_rooms() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    let wish = CreateRoom {
        preset: Some(Preset::PublicChat),
        ..CreateRoom::default()
    };
    let other = server
        .hs
        .creation
        .create_room(&alice, wish)
        .await
        .expect("works");
    server
        .hs
        .membership
        .join(&bob, (&*other).into(), vec![], None)
        .await
        .expect("works");
    let first = send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"1"}"#).await;
    let second = send(
        &server,
        &alice,
        &other,
        r#"{"msgtype":"m.text","body":"bob 2"}"#,
    )
    .await;
    let third = send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"3"}"#).await;
    read(&server, &bob, &room, &first, None).await;
    let data = &server.hs.user_data;
    let query = |from, only_highlights| NotificationsQuery {
        from,
        limit: Some(2),
        only_highlights,
    };

    let page = data
        .notifications(&bob, &query(None, false))
        .await
        .expect("works");
    let next = data
        .notifications(&bob, &query(page.next_token.clone(), false))
        .await
        .expect("works");
    let loud = data
        .notifications(&bob, &query(None, true))
        .await
        .expect("works");

    let ids = |page: &gantry_homeserver::NotificationPage| {
        let all = page.notifications.iter();
        all.map(|one| (one.event.event_id().to_owned(), one.read))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&page), [(third, false), (second.clone(), false)]);
    assert_eq!(ids(&next), [(first, true)]);
    assert_eq!(next.next_token, None);
    assert_eq!(ids(&loud), [(second, false)]);
}

#[tokio::test]
async fn who_was_named_then_was_notified_then() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    let body = r#"{"msgtype":"m.text","body":"hello Bartholomew"}"#;
    let rename = async |name: &str| {
        let content = format!(r#"{{"membership":"join","displayname":"{name}"}}"#);
        let state_key = bob.user_id.as_str();
        let renamed =
            server
                .hs
                .messaging
                .send_state(&bob, &room, "m.room.member", state_key, json(&content));
        renamed.await.expect("a member event");
    };
    rename("Bartholomew").await;
    let named = send(&server, &alice, &room, body).await;
    rename("Bart").await;
    send(&server, &alice, &room, body).await;

    let query = NotificationsQuery {
        only_highlights: true,
        ..NotificationsQuery::default()
    };
    let page = server.hs.user_data.notifications(&bob, &query).await;

    let told = page.expect("works").notifications;
    let told: Vec<_> = told.iter().map(|one| one.event.event_id()).collect();
    assert_eq!(told, [&*named]);
}

#[tokio::test]
async fn whoever_wants_it_is_told_of_the_threads_that_he_follows_only() {
    let server = Server::start().await;
    let (alice, bob, room) = in_a_room(&server).await;
    let root = send(&server, &alice, &room, r#"{"msgtype":"m.text","body":"A"}"#).await;
    let reply = format!(
        r#"{{"msgtype":"m.text","body":"B","m.relates_to":{{"rel_type":"m.thread","event_id":"{root}"}}}}"#
    );
    send(&server, &alice, &room, &reply).await;
    let user_data = &server.hs.user_data;
    let by_default = counts(&server, &bob, &room).await;

    let names = ["unsubscribed_thread", "subscribed_thread"];
    for name in names {
        let id = format!(".io.element.msc4306.rule.{name}");
        user_data
            .enable_push_rule(&bob, RuleKind::PostContent, &id, true)
            .await
            .expect("works");
    }
    let not_followed = counts(&server, &bob, &room).await;
    user_data
        .subscribe_to_thread(&bob, &room, &root, None)
        .await
        .expect("works");
    let muted = NewPushRule::Room(ruma::push::NewSimplePushRule::new(room.clone(), vec![]));
    user_data
        .put_push_rule(&bob, muted, &RulePlace::default())
        .await
        .expect("works");
    let followed = counts(&server, &bob, &room).await;
    user_data
        .unsubscribe_from_thread(&bob, &room, &root)
        .await
        .expect("works");
    let left = counts(&server, &bob, &room).await;
    let own = NewConditionalPushRule::new("own".to_owned(), vec![], vec![]);
    let refused = user_data
        .put_push_rule(&bob, NewPushRule::PostContent(own), &RulePlace::default())
        .await;

    assert_eq!(by_default, [1, 0, 1, 0]);
    assert_eq!(not_followed, [1, 0, 0, 0]);
    // A room that is muted does not mute the threads that are followed.
    assert_eq!(followed, [0, 0, 1, 0]);
    assert_eq!(left, [0, 0, 0, 0]);
    assert_eq!(
        refused.expect_err("refused").kind(),
        ErrorKind::InvalidParam
    );
}
