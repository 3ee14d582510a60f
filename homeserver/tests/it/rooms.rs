//! Rooms from their creation to a ban.

use gantry_homeserver::{CreateRoom, Direction, EventFilter, MessagesQuery, PublicRoomsQuery};
use gantry_model::ErrorKind;

use crate::harness::{Server, json, message, public};

#[tokio::test]
async fn a_public_room_is_found_joined_and_read() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    for version in ["10", "11", "12"] {
        let wish = CreateRoom {
            room_version: Some(version.to_owned()),
            ..public(&format!("v{version}"))
        };
        let room = hs
            .creation
            .create_room(&alice, wish.clone())
            .await
            .expect("works");
        assert_eq!(
            hs.creation
                .create_room(&alice, wish)
                .await
                .expect_err("refused")
                .kind(),
            ErrorKind::RoomInUse
        );

        let found = hs
            .directory
            .public_rooms(PublicRoomsQuery {
                search: Some(format!("ROOM V{version}")),
                ..Default::default()
            })
            .await
            .expect("works");
        assert_eq!(found.chunk.len(), 1);
        assert_eq!(found.chunk[0].num_joined_members, 1);
        assert!(hs.reading.state(&bob, &room).await.is_err());
        let alias =
            gantry_model::id::RoomOrAliasId::parse(format!("#v{version}:server")).expect("works");
        assert_eq!(
            hs.membership
                .join(&bob, &alias, vec![], None)
                .await
                .expect("works"),
            room
        );
        hs.messaging
            .send(&alice, message(&room, "hello bob"))
            .await
            .expect("works");
        let event = hs
            .messaging
            .send(&bob, message(&room, "hello alice"))
            .await
            .expect("works");
        let page = hs
            .reading
            .messages(
                &bob,
                &room,
                MessagesQuery {
                    from: None,
                    to: None,
                    direction: Direction::Backward,
                    limit: 2,
                    filter: EventFilter {
                        lazy_load_members: true,
                        ..Default::default()
                    },
                },
            )
            .await
            .expect("works");
        assert_eq!(page.chunk.len(), 2);
        assert_eq!(page.chunk[0].event_id(), event.event_id);
        assert_eq!(page.state.len(), 2);
        let next = hs
            .reading
            .messages(
                &bob,
                &room,
                MessagesQuery {
                    from: page.end,
                    to: None,
                    direction: Direction::Backward,
                    limit: 100,
                    filter: EventFilter::default(),
                },
            )
            .await
            .expect("works");
        assert_eq!(next.chunk[0].pdu.kind(), "m.room.member");
        assert_eq!(
            next.chunk.last().expect("works").pdu.kind(),
            "m.room.create"
        );
        assert!(next.end.is_none());
        let context = hs
            .reading
            .context(&bob, &room, &event.event_id, 4, &EventFilter::default())
            .await
            .expect("works");
        assert_eq!(context.events_before.len(), 2);
        assert!(context.events_after.is_empty());
        let same = hs
            .messaging
            .send_state(
                &alice,
                &room,
                "m.room.name",
                "",
                json(&format!(r#"{{"name":"Room v{version}"}}"#)),
            )
            .await
            .expect("works");
        assert_eq!(
            same,
            hs.reading
                .state_event(&alice, &room, "m.room.name", "")
                .await
                .expect("works")
                .event_id()
        );
        assert_eq!(
            hs.messaging
                .send_state(&bob, &room, "m.room.name", "", json(r#"{"name":"mine"}"#))
                .await
                .expect_err("refused")
                .kind(),
            ErrorKind::Forbidden
        );
        let bad = hs
            .messaging
            .send_state(
                &alice,
                &room,
                "m.room.canonical_alias",
                "",
                json(r##"{"alias":"#nothing:server"}"##),
            )
            .await
            .expect_err("refused");
        assert_eq!(bad.kind(), ErrorKind::BadAlias);
        assert_eq!(
            hs.membership
                .unban(&alice, &room, &bob.user_id, None)
                .await
                .expect_err("refused")
                .kind(),
            ErrorKind::Forbidden
        );
        hs.membership
            .ban(&alice, &room, &bob.user_id, Some("no".to_owned()))
            .await
            .expect("works");
        assert_eq!(
            hs.membership
                .join(&bob, &alias, vec![], None)
                .await
                .expect_err("refused")
                .kind(),
            ErrorKind::Forbidden
        );
        hs.messaging
            .send(&alice, message(&room, "unseen"))
            .await
            .expect("works");
        hs.messaging
            .send_state(
                &alice,
                &room,
                "m.room.topic",
                "",
                json(r#"{"topic":"later"}"#),
            )
            .await
            .expect("works");
        assert_eq!(
            hs.reading
                .state_event(&bob, &room, "m.room.topic", "")
                .await
                .expect("works")
                .content_str("topic"),
            Some("About things")
        );
        let page = hs
            .reading
            .messages(
                &bob,
                &room,
                MessagesQuery {
                    from: None,
                    to: None,
                    direction: Direction::Backward,
                    limit: 1,
                    filter: EventFilter::default(),
                },
            )
            .await
            .expect("works");
        assert_eq!(page.chunk[0].pdu.content_str("membership"), Some("ban"));
        hs.membership
            .unban(&alice, &room, &bob.user_id, None)
            .await
            .expect("works");
    }
}
