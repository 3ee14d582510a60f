//! Proposals that are not in the specification yet: delayed events, thread subscriptions, filters
//! for invites, settings of devices.

use std::time::Duration;

use gantry_homeserver::{
    CreateRoom, DelayedAction, MembersQuery, NewDelayedEvent, Preset, Session,
};
use gantry_model::{ErrorKind, id::OwnedRoomId};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::harness::{Server, json, message};

async fn public_room(server: &Server, by: &Session) -> OwnedRoomId {
    let wish = CreateRoom {
        preset: Some(Preset::PublicChat),
        ..CreateRoom::default()
    };
    server
        .hs
        .creation
        .create_room(by, wish)
        .await
        .expect("works")
}

#[tokio::test]
async fn delayed_events_are_sent_cancelled_and_restarted() {
    let server = Server::start().await;
    let hs = &server.hs;
    let alice = server.user("alice").await;
    let room = public_room(&server, &alice).await;
    let stop = CancellationToken::new();
    let worker = TaskTracker::new().spawn(hs.delayed.clone().run(stop.clone()));
    let later = |key: &str, delay_ms: u64, txn: Option<&str>| NewDelayedEvent {
        room: room.clone(),
        kind: "m.test".to_owned(),
        state_key: Some(key.to_owned()),
        content: json(r#"{"a":1}"#),
        delay_ms,
        txn: txn.map(str::to_owned),
    };
    let stands = async |key: &str| {
        let found = hs.reading.state_event(&alice, &room, "m.test", key).await;
        found.is_ok()
    };

    let soon = hs
        .delayed
        .schedule(&alice, later("soon", 60, Some("t")))
        .await
        .expect("works");
    let again = hs
        .delayed
        .schedule(&alice, later("soon", 60, Some("t")))
        .await
        .expect("works");
    let never = hs
        .delayed
        .schedule(&alice, later("never", 80, None))
        .await
        .expect("works");
    let now = hs
        .delayed
        .schedule(&alice, later("now", 60_000, None))
        .await
        .expect("works");
    let too_long = hs
        .delayed
        .schedule(&alice, later("x", u64::MAX, None))
        .await;
    assert_eq!(soon, again);
    assert_eq!(
        too_long.expect_err("refused").kind(),
        ErrorKind::InvalidParam
    );
    assert_eq!(hs.delayed.list(&alice).await.expect("works").len(), 3);
    hs.delayed
        .act(&never, DelayedAction::Cancel)
        .await
        .expect("works");
    hs.delayed
        .act(&now, DelayedAction::Restart)
        .await
        .expect("works");
    hs.delayed
        .act(&now, DelayedAction::Send)
        .await
        .expect("works");
    let unknown = hs.delayed.act(&now, DelayedAction::Send).await;
    assert_eq!(unknown.expect_err("unknown").kind(), ErrorKind::NotFound);
    assert!(stands("now").await);

    for _ in 0..200 {
        if stands("soon").await && hs.delayed.list(&alice).await.expect("works").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    assert!(stands("soon").await);
    assert!(!stands("never").await);
    assert!(hs.delayed.list(&alice).await.expect("works").is_empty());
    stop.cancel();
    worker.await.expect("it ends");
}

#[tokio::test]
async fn threads_are_followed_and_left() {
    let server = Server::start().await;
    let hs = &server.hs;
    let alice = server.user("alice").await;
    let room = public_room(&server, &alice).await;
    let root = hs
        .messaging
        .send(&alice, message(&room, "root"))
        .await
        .expect("works")
        .event_id;
    let reply = async || {
        let mut reply = message(&room, "reply");
        let relates = format!(r#"{{"rel_type":"m.thread","event_id":"{root}"}}"#);
        reply.content.insert("m.relates_to", json(&relates).into());
        hs.messaging
            .send(&alice, reply)
            .await
            .expect("works")
            .event_id
    };
    let data = &hs.user_data;
    let follows = async || data.thread_subscription(&alice, &room, &root).await;

    let first = reply().await;
    let by_root = data
        .subscribe_to_thread(&alice, &room, &root, Some(&root))
        .await;
    assert_eq!(by_root.expect_err("refused").kind(), ErrorKind::NotInThread);
    data.subscribe_to_thread(&alice, &room, &root, Some(&first))
        .await
        .expect("works");
    assert!(follows().await.expect("works"));
    data.subscribe_to_thread(&alice, &room, &root, None)
        .await
        .expect("works");
    assert!(!follows().await.expect("works"));
    data.unsubscribe_from_thread(&alice, &room, &root)
        .await
        .expect("works");
    data.unsubscribe_from_thread(&alice, &room, &root)
        .await
        .expect("works");
    assert_eq!(
        follows().await.expect_err("none").kind(),
        ErrorKind::NotFound
    );
    let late = data
        .subscribe_to_thread(&alice, &room, &root, Some(&first))
        .await;
    assert_eq!(
        late.expect_err("refused").kind(),
        ErrorKind::ConflictingUnsubscription
    );
    let newer = reply().await;
    data.subscribe_to_thread(&alice, &room, &root, Some(&newer))
        .await
        .expect("works");
    assert!(follows().await.expect("works"));
}

#[tokio::test]
async fn unwanted_invites_are_refused_or_not_told() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = public_room(&server, &alice).await;
    let other = public_room(&server, &alice).await;
    let rules = "org.matrix.msc4155.invite_permission_config";
    let set = async |content: &str| {
        let content = json(content);
        let set = hs
            .user_data
            .set_account_data(&bob, None, rules, content)
            .await;
        set.expect("works");
    };

    set(r#"{"blocked_users":["@ali*:server"]}"#).await;
    let refused = hs
        .membership
        .invite(&alice, &room, &bob.user_id, None)
        .await;
    set(r#"{"ignored_servers":["server"]}"#).await;
    hs.membership
        .invite(&alice, &other, &bob.user_id, None)
        .await
        .expect("works");

    assert_eq!(
        refused.expect_err("refused").kind(),
        ErrorKind::InviteBlocked
    );
    let members = hs
        .reading
        .members(&alice, &other, MembersQuery::default())
        .await;
    assert_eq!(members.expect("works").len(), 2);
    let changes = hs
        .feed
        .changes_for(&bob, None, &hs.feed.now(), &Default::default())
        .await;
    assert!(changes.expect("works").invited.is_empty());
}

#[tokio::test]
async fn settings_of_a_device_go_with_it() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, other) = (server.user("alice").await, server.again("alice").await);
    let kind = format!(
        "org.matrix.msc3890.local_notification_settings.{}",
        other.device_id
    );
    let content = json(r#"{"is_silenced":true}"#);
    hs.user_data
        .set_account_data(&alice, None, &kind, content)
        .await
        .expect("works");

    hs.sessions.logout(&other).await.expect("works");

    let gone = hs.user_data.account_data(&alice, None, &kind).await;
    assert_eq!(gone.expect_err("gone").kind(), ErrorKind::NotFound);
}
