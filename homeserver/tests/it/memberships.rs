//! Direct chats, added users, restricted rooms.

use std::slice;

use gantry_homeserver::{CreateRoom, InitialState, Propagate};
use gantry_model::ErrorKind;

use crate::harness::{Server, json, public};

#[tokio::test]
async fn direct_rooms_are_found_again_and_profiles_reach_rooms() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob, carol) = (
        server.user("alice").await,
        server.user("bob").await,
        server.user("carol").await,
    );

    let first = hs
        .creation
        .direct_room(&alice, slice::from_ref(&bob.user_id))
        .await
        .expect("works");
    hs.membership
        .join_local(&bob.user_id, &first.room_id)
        .await
        .expect("works");
    let second = hs
        .creation
        .direct_room(&bob, slice::from_ref(&alice.user_id))
        .await
        .expect("works");

    assert!(first.created && !second.created);
    assert_eq!(first.room_id, second.room_id);
    assert!(
        hs.creation
            .direct_room(&alice, &[bob.user_id.clone(), carol.user_id.clone()])
            .await
            .expect("works")
            .created
    );
    hs.profiles
        .put_field(
            &bob,
            "displayname",
            Some("Robert".into()),
            Propagate::default(),
        )
        .await
        .expect("works");
    let members = hs
        .reading
        .joined_members(&alice, &first.room_id)
        .await
        .expect("works");
    assert!(
        members
            .iter()
            .any(|one| one.display_name.as_deref() == Some("Robert"))
    );
    assert_eq!(
        hs.profiles
            .profile(&bob.user_id)
            .await
            .expect("works")
            .displayname
            .as_deref(),
        Some("Robert")
    );

    let private = hs
        .creation
        .create_room(&alice, CreateRoom::default())
        .await
        .expect("works");
    hs.membership
        .join_as_local(&alice, &private, &carol.user_id)
        .await
        .expect("works");
    assert_eq!(
        hs.membership.joined_rooms(&carol).await.expect("works"),
        slice::from_ref(&private)
    );
    assert!(
        hs.membership
            .join_as_local(&bob, &private, &bob.user_id)
            .await
            .is_err()
    );
    hs.membership
        .kick(&alice, &private, &carol.user_id, None)
        .await
        .expect("works");
    assert_eq!(
        hs.membership
            .kick(&alice, &private, &carol.user_id, None)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::Forbidden
    );
}

#[tokio::test]
async fn a_restricted_room_lets_members_of_its_space_in() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let space = hs
        .creation
        .create_room(&alice, public("space"))
        .await
        .expect("works");
    let rule = json(&format!(
        r#"{{"join_rule":"restricted","allow":[{{"type":"m.room_membership","room_id":"{space}"}}]}}"#
    ));
    for version in ["8", "11", "12"] {
        let wish = CreateRoom {
            room_version: Some(version.into()),
            initial_state: vec![InitialState {
                kind: "m.room.join_rules".into(),
                state_key: String::new(),
                content: rule.clone(),
            }],
            ..Default::default()
        };
        let room = hs.creation.create_room(&alice, wish).await.expect("works");
        if version != "8" {
            hs.membership
                .leave(&bob, &space, None)
                .await
                .expect("works");
        }
        assert_eq!(
            hs.membership
                .join(&bob, (&*room).into(), vec![], None)
                .await
                .expect_err("refused")
                .kind(),
            ErrorKind::Forbidden
        );
        hs.membership
            .join(&bob, (&*space).into(), vec![], None)
            .await
            .expect("works");
        hs.membership
            .join(&bob, (&*room).into(), vec![], None)
            .await
            .expect("works");
        hs.profiles
            .put_field(
                &bob,
                "displayname",
                Some(format!("Bob {version}").into()),
                Propagate::default(),
            )
            .await
            .expect("works");
        assert_eq!(
            hs.reading
                .state_event(&bob, &room, "m.room.member", "@bob:server")
                .await
                .expect("works")
                .content_str("displayname"),
            Some(&*format!("Bob {version}"))
        );
    }
}
