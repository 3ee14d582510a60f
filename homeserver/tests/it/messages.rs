//! Reactions, redactions, repeated requests, limits.

use gantry_homeserver::{Direction, NewMessage, RelationsQuery};
use gantry_model::ErrorKind;

use crate::harness::{Server, json, message, public};

#[tokio::test]
async fn reactions_edits_redactions_and_repetitions() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = hs
        .creation
        .create_room(&alice, public("x"))
        .await
        .expect("works");
    hs.membership
        .join(&bob, (&*room).into(), vec![], None)
        .await
        .expect("works");
    let first = NewMessage {
        txn: Some(("send", "1".into())),
        rc: Some("rcid1".into()),
        ..message(&room, "one")
    };

    let sent = hs
        .messaging
        .send(&alice, first.clone())
        .await
        .expect("works");
    let again = hs.messaging.send(&alice, first).await.expect("works");

    assert_eq!(sent.event_id, again.event_id);
    assert!(again.repeated);
    let reaction = NewMessage {
        kind: "m.reaction".into(),
        content: json(&format!(
            r#"{{"m.relates_to":{{"rel_type":"m.annotation","event_id":"{}","key":"+1"}}}}"#,
            sent.event_id
        )),
        txn: Some(("send", "2".into())),
        ..message(&room, "")
    };
    let one = hs
        .messaging
        .send(&bob, reaction.clone())
        .await
        .expect("works");
    assert_eq!(
        hs.messaging
            .send(&bob, reaction.clone())
            .await
            .expect("works")
            .event_id,
        one.event_id
    );
    let twice = NewMessage {
        txn: Some(("send", "3".into())),
        ..reaction
    };
    assert_eq!(
        hs.messaging
            .send(&bob, twice.clone())
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::DuplicateAnnotation
    );
    let relations = hs
        .reading
        .relations(
            &alice,
            &room,
            &sent.event_id,
            RelationsQuery {
                rel_type: Some("m.annotation".into()),
                event_type: None,
                from: None,
                to: None,
                limit: 5,
                direction: Direction::Backward,
                recurse: false,
            },
        )
        .await
        .expect("works");
    assert_eq!(relations.chunk.len(), 1);
    hs.messaging
        .redact(&bob, &room, &one.event_id, Some("oops".into()), None)
        .await
        .expect("works");
    hs.messaging.send(&bob, twice).await.expect("works");
    assert_eq!(
        hs.messaging
            .redact(&bob, &room, &sent.event_id, None, None)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::Forbidden
    );
    hs.messaging
        .redact(&alice, &room, &sent.event_id, None, None)
        .await
        .expect("works");
    let event = hs
        .reading
        .event(&bob, &room, &sent.event_id)
        .await
        .expect("works");
    assert!(event.redacted_because.is_some() && event.pdu.content().is_empty());
    assert!(
        hs.reading
            .find_by_rc(&bob, "rcid1")
            .await
            .expect("works")
            .is_some()
    );
    let big = message(&room, &"x".repeat(70_000));
    assert_eq!(
        hs.messaging
            .send(&alice, big)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::TooLarge
    );
    let float = NewMessage {
        content: json(r#"{"n":1.5}"#),
        ..message(&room, "")
    };
    assert_eq!(
        hs.messaging
            .send(&alice, float)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::BadJson
    );
}
