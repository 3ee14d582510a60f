//! What a waiting client is told.

use std::time::Duration;

use gantry_homeserver::{CreateRoom, EventFilter, FeedOptions, ReceiptKind};
use gantry_model::{ErrorKind, Object, Value};

use crate::harness::{Server, json, message};

#[tokio::test]
async fn sync_tells_invite_join_message_and_leave() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let options = FeedOptions::default();
    let t0 = hs.feed.now();
    let initial = hs
        .feed
        .changes_for(&bob, None, &t0, &options)
        .await
        .expect("works");
    assert!(initial.joined.is_empty());
    assert_eq!(
        hs.feed
            .wait(&bob, &t0, Duration::from_millis(50))
            .await
            .expect("works"),
        t0
    );

    let room = hs
        .creation
        .create_room(
            &alice,
            CreateRoom {
                name: Some("n".into()),
                invite: vec![bob.user_id.clone()],
                ..Default::default()
            },
        )
        .await
        .expect("works");
    let t1 = hs
        .feed
        .wait(&bob, &t0, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t0), &t1, &options)
        .await
        .expect("works");
    assert_eq!(changes.invited.len(), 1);
    assert!(changes.joined.is_empty() && changes.left.is_empty());
    let stripped = &changes.invited[0].stripped;
    assert!(
        stripped
            .iter()
            .any(|one| one.get("type").and_then(Value::as_str) == Some("m.room.name"))
    );
    assert_eq!(
        stripped
            .last()
            .expect("works")
            .get("state_key")
            .and_then(Value::as_str),
        Some("@bob:server")
    );

    hs.membership
        .join(&bob, (&*room).into(), vec![], None)
        .await
        .expect("works");
    let t2 = hs
        .feed
        .wait(&bob, &t1, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t1), &t2, &options)
        .await
        .expect("works");
    assert_eq!(changes.joined.len(), 1);
    assert!(changes.joined[0].full);
    let timeline = changes.joined[0].timeline.as_ref().expect("works");
    assert_eq!(
        timeline
            .events
            .last()
            .expect("works")
            .pdu
            .content_str("membership"),
        Some("join")
    );
    assert_eq!(
        timeline.events.len() + timeline.state.len(),
        9,
        "{:?}",
        timeline
            .events
            .iter()
            .map(|e| e.pdu.kind().to_owned())
            .collect::<Vec<_>>()
    );

    let waiting = {
        let (hs, bob, t2) = (hs.clone(), bob.clone(), t2.clone());
        async move {
            hs.feed
                .wait(&bob, &t2, Duration::from_secs(5))
                .await
                .expect("works")
        }
    };
    let sent = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        hs.messaging
            .send(&alice, message(&room, "bob: hi"))
            .await
            .expect("works")
    };
    let (t3, sent) = tokio::join!(waiting, sent);
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t2), &t3, &options)
        .await
        .expect("works");
    assert_eq!(changes.joined.len(), 1);
    let joined = &changes.joined[0];
    let timeline = joined.timeline.as_ref().expect("works");
    assert!(!joined.full && !timeline.limited && timeline.state.is_empty());
    assert_eq!(timeline.events.len(), 1);
    assert_eq!(timeline.events[0].event_id(), sent.event_id);
    assert_eq!(
        (joined.unread.notifications, joined.unread.highlights),
        (1, 1)
    );

    hs.user_data
        .set_receipt(&bob, &room, ReceiptKind::ReadPrivate, &sent.event_id, None)
        .await
        .expect("works");
    let t4 = hs
        .feed
        .wait(&bob, &t3, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t3), &t4, &options)
        .await
        .expect("works");
    assert_eq!(changes.joined[0].receipts.len(), 1);
    assert_eq!(changes.joined[0].unread.notifications, 0);
    assert!(changes.joined[0].timeline.is_none());
    let changes = hs
        .feed
        .changes_for(&alice, Some(&t3), &t4, &options)
        .await
        .expect("works");
    assert!(changes.is_empty());

    hs.user_data
        .set_typing(&alice, &room, Some(Duration::from_secs(30)))
        .await
        .expect("works");
    let t5 = hs
        .feed
        .wait(&bob, &t4, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t4), &t5, &options)
        .await
        .expect("works");
    assert_eq!(
        changes.joined[0].typing.as_deref(),
        Some(&[alice.user_id.clone()][..])
    );

    hs.user_data
        .set_tag(&bob, &room, "m.favourite", Object::new())
        .await
        .expect("works");
    hs.user_data
        .set_account_data(&bob, None, "org.test", json(r#"{"a":1}"#))
        .await
        .expect("works");
    let t6 = hs
        .feed
        .wait(&bob, &t5, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t5), &t6, &options)
        .await
        .expect("works");
    assert_eq!(changes.account_data.len(), 1);
    assert_eq!(changes.joined[0].account_data.len(), 1);

    assert_eq!(
        hs.membership
            .forget(&bob, &room)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::WrongState
    );
    hs.messaging
        .send(&alice, message(&room, "before"))
        .await
        .expect("works");
    hs.membership.leave(&bob, &room, None).await.expect("works");
    hs.messaging
        .send(&alice, message(&room, "after"))
        .await
        .expect("works");
    let t7 = hs
        .feed
        .wait(&bob, &t6, Duration::from_secs(5))
        .await
        .expect("works");
    let changes = hs
        .feed
        .changes_for(&bob, Some(&t6), &t7, &options)
        .await
        .expect("works");
    assert!(changes.joined.is_empty());
    assert_eq!(changes.left.len(), 1);
    let events = &changes.left[0].timeline.as_ref().expect("works").events;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].pdu.content_str("membership"), Some("leave"));
    let t8 = hs.feed.now();
    hs.messaging
        .send(&alice, message(&room, "unheard"))
        .await
        .expect("works");
    assert!(
        hs.feed
            .changes_for(&bob, Some(&t8), &hs.feed.now(), &options)
            .await
            .expect("works")
            .is_empty()
    );
    assert_eq!(
        hs.feed
            .wait(&bob, &t8, Duration::from_millis(50))
            .await
            .expect("works"),
        hs.feed.now()
    );
    hs.membership.forget(&bob, &room).await.expect("works");
    let left = FeedOptions {
        include_leave: true,
        ..Default::default()
    };
    assert!(
        hs.feed
            .changes_for(&bob, None, &hs.feed.now(), &left)
            .await
            .expect("works")
            .left
            .is_empty()
    );

    let full = hs
        .feed
        .changes_for(
            &alice,
            None,
            &hs.feed.now(),
            &FeedOptions {
                timeline: EventFilter {
                    limit: Some(2),
                    types: Some(vec!["m.room.message".into()]),
                    ..Default::default()
                },
                ..Default::default()
            },
        )
        .await
        .expect("works");
    let timeline = full.joined[0].timeline.as_ref().expect("works");
    assert_eq!(timeline.events.len(), 2);
    assert!(timeline.limited);
}
