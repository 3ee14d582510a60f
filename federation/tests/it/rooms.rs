//! Joining, talking, inviting, leaving.

use gantry_federation::{Error, PublicRoomsQuery};
use gantry_model::{
    ErrorKind, Object, RoomVersion,
    id::{RoomAliasId, UserId},
};
use gantry_rooms::{Direction, Membership, NewEvent, OutOfBandKind};

use crate::house::{Street, member, object};

#[tokio::test(flavor = "multi_thread")]
async fn messages_cross_both_ways_in_every_room_version() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    for version in RoomVersion::ALL {
        // State resolution of version 1 is not there yet.
        if version == RoomVersion::V1 {
            continue;
        }
        let room = a.public_room(version, &anna).await;

        b.join(&room, &ben, &a).await;
        let from_a = a.say(&room, &anna, "hello").await;
        let from_b = b.say(&room, &ben, "hi").await;

        b.receives(&room, &from_a).await;
        a.receives(&room, &from_b).await;
        a.sees_membership(&room, &ben, Membership::Join).await;
    }
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_server_joins_through_the_second() {
    let street = Street::new();
    let (a, b, c) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (anna, ben, cleo) = (
        a.user("anna").await,
        b.user("ben").await,
        c.user("cleo").await,
    );
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;

    c.join(&room, &cleo, &b).await;
    let from_c = c.say(&room, &cleo, "hello all").await;

    a.sees_membership(&room, &cleo, Membership::Join).await;
    a.receives(&room, &from_c).await;
    b.receives(&room, &from_c).await;
    for house in [a, b, c] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_user_joins_and_leaves() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a
        .room(RoomVersion::V12, &anna, r#"{"join_rule":"invite"}"#)
        .await;

    a.invite(&room, &anna, &ben).await;
    let invite = b.rooms.out_of_band_of(&ben, &room).await.unwrap().unwrap();
    assert_eq!(invite.kind, OutOfBandKind::Invite);
    assert_eq!(invite.stripped.len(), 1);
    b.calls.join(&room, &ben, &[], Object::new()).await.unwrap();
    a.sees_membership(&room, &ben, Membership::Join).await;

    b.set_member(&room, &ben, &ben, "leave").await;

    a.sees_membership(&room, &ben, Membership::Leave).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_can_be_rejected() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a
        .room(RoomVersion::V11, &anna, r#"{"join_rule":"invite"}"#)
        .await;
    a.invite(&room, &anna, &ben).await;

    b.calls.leave(&room, &ben, &[], Some("no")).await.unwrap();

    a.sees_membership(&room, &ben, Membership::Leave).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banned_user_is_told_and_cannot_come_back() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;

    a.set_member(&room, &anna, &ben, "ban").await;

    b.sees_membership(&room, &ben, Membership::Ban).await;
    let again = b
        .calls
        .join(&room, &ben, std::slice::from_ref(&a.name), Object::new())
        .await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Forbidden);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_knock_is_let_in() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a
        .room(RoomVersion::V11, &anna, r#"{"join_rule":"knock"}"#)
        .await;

    b.calls
        .knock(&room, &ben, std::slice::from_ref(&a.name), Object::new())
        .await
        .unwrap();
    a.sees_membership(&room, &ben, Membership::Knock).await;
    let knock = b.rooms.out_of_band_of(&ben, &room).await.unwrap().unwrap();
    assert_eq!(knock.kind, OutOfBandKind::Knock);
    a.invite(&room, &anna, &ben).await;
    b.calls
        .join(&room, &ben, std::slice::from_ref(&a.name), Object::new())
        .await
        .unwrap();

    a.sees_membership(&room, &ben, Membership::Join).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_messages_are_fetched() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let mut old = Vec::new();
    for number in 0..30 {
        old.push(a.say(&room, &anna, &number.to_string()).await);
    }
    b.join(&room, &ben, &a).await;

    let page = b
        .rooms
        .timeline(&room, None, None, Direction::Backward, 10)
        .await
        .unwrap();
    let added = b.calls.backfill(&room, &page.missing, 20).await.unwrap();

    assert_eq!(added, 20);
    for event in old.iter().rev().take(20) {
        assert!(b.rooms.event(&room, event).await.unwrap().is_some());
    }
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_profiles_and_public_rooms_are_answered() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let anna = a.user("anna").await;
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let name = NewEvent::state(
        anna.clone(),
        "m.room.name",
        "",
        object(r#"{"name":"Garden"}"#),
    );
    a.rooms.submit(&room, name).await.unwrap();
    let alias = RoomAliasId::parse(format!("#garden:{}", a.name)).unwrap();
    a.rooms.set_alias(&alias, &room, &anna).await.unwrap();
    a.rooms.publish(&room).await.unwrap();

    let found = b.calls.query_directory(&alias).await.unwrap();
    let profile = b
        .calls
        .query_profile(&anna, Some("displayname"))
        .await
        .unwrap();
    let query = PublicRoomsQuery {
        search: Some("gard".to_owned()),
        ..PublicRoomsQuery::default()
    };
    let public = b.calls.public_rooms(&a.name, &query).await.unwrap();
    let nobody = UserId::parse(format!("@nobody:{}", a.name)).unwrap();
    let missing = b.calls.query_profile(&nobody, None).await.unwrap_err();

    assert_eq!(found.room_id, room);
    assert_eq!(found.servers, vec![a.name.clone()]);
    assert_eq!(profile, object(r#"{"displayname":"anna"}"#));
    assert_eq!(public["chunk"].as_array().unwrap().len(), 1);
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(matches!(missing, Error::Refused { .. }));
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_and_receipts_arrive() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    let text = a.say(&room, &anna, "read this").await;
    b.receives(&room, &text).await;

    b.calls.send_typing(&room, &ben, true).await;
    b.calls.send_receipt(&room, &ben, &text, 5, None).await;

    a.until(|| async { a.accounts.typing(&room).1 == vec![ben.clone()] })
        .await;
    a.until(|| async {
        let receipt = a
            .accounts
            .receipt(&room, &ben, "m.read", None)
            .await
            .unwrap();
        receipt.is_some_and(|stored| stored.receipt.event_id == text)
    })
    .await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_fork_come_to_the_same_state() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben, dora) = (
        a.user("anna").await,
        b.user("ben").await,
        a.user("dora").await,
    );
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    let levels = format!(r#"{{"users":{{"{anna}":100,"{ben}":50}}}}"#);
    let levels = NewEvent::state(anna.clone(), "m.room.power_levels", "", object(&levels));
    let levels = a.rooms.submit(&room, levels).await.unwrap().event_id;
    b.receives(&room, &levels).await;
    for house in [&a, &b] {
        house.switch.set(crate::listener::Mode::Refuse);
    }
    let topic = |user: &UserId, text: &str| {
        let content = object(&format!(r#"{{"topic":"{text}"}}"#));
        NewEvent::state(user.to_owned(), "m.room.topic", "", content)
    };
    a.rooms.submit(&room, topic(&anna, "from a")).await.unwrap();
    a.rooms
        .submit(&room, member(&dora, &dora, "join"))
        .await
        .unwrap();
    b.rooms.submit(&room, topic(&ben, "from b")).await.unwrap();
    let last_a = a.say(&room, &anna, "still here").await;
    let last_b = b.say(&room, &ben, "me too").await;

    for house in [&a, &b] {
        house.switch.set(crate::listener::Mode::Serve);
    }
    a.receives(&room, &last_b).await;
    b.receives(&room, &last_a).await;

    let state = |house: &crate::house::House| {
        let (rooms, room) = (house.rooms.clone(), room.clone());
        async move {
            let view = rooms.get(&room).await.unwrap();
            let mut ids: Vec<String> = view
                .full_state()
                .iter()
                .map(|pdu| pdu.event_id().to_string())
                .collect();
            ids.sort();
            ids
        }
    };
    assert_eq!(state(&a).await, state(&b).await);
    a.close().await;
    b.close().await;
}
