//! Joins that leave the members out.

use gantry_model::{
    Object, Pdu, RoomVersion, Value,
    hash::set_content_hash,
    id::{OwnedRoomId, OwnedUserId},
};
use gantry_rooms::{Membership, NewEvent};
use http::{Method, StatusCode};

use crate::{
    hostile::authorization,
    house::{House, Street, object},
    listener::Mode,
};

fn kinds_and_keys(answer: &Object, field: &str) -> Vec<(String, String)> {
    let events = answer[field].as_array().unwrap().iter();
    events
        .map(|event| {
            let pdu = Pdu::parse(event.as_object().unwrap().clone(), RoomVersion::V11).unwrap();
            let key = pdu.state_key().unwrap_or_default().to_owned();
            (pdu.kind().to_owned(), key)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_do_without_members_gets_few() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    for number in 0..20 {
        let user = a.user(&format!("user{number}")).await;
        a.set_member(&room, &user, &user, "join").await;
    }
    let name = object(r#"{"name":"Garden"}"#);
    let name = NewEvent::state(anna.clone(), "m.room.name", "", name);
    a.rooms.submit(&room, name).await.unwrap();
    let path = format!("/_matrix/federation/v1/make_join/{room}/{ben}?ver=11");
    let header = authorization("GET", &b, &a, &path, &Object::new());
    let (_, template) = street
        .send(Method::GET, &a, &path, None, Some(&header))
        .await;
    let mut join = template.as_object().unwrap()["event"]
        .as_object()
        .unwrap()
        .clone();
    join.insert("origin_server_ts", b.clock.now_ms().into());
    set_content_hash(&mut join);
    b.key
        .sign_event(b.name.as_str(), &mut join, RoomVersion::V11.rules());
    let id = Pdu::parse(join.clone(), RoomVersion::V11).unwrap();
    let id = id.event_id();

    let path = format!("/_matrix/federation/v2/send_join/{room}/{id}?omit_members=true");
    let (status, answer) = street.request(&b, &a, &path, join, None).await;

    assert_eq!(status, StatusCode::OK);
    let answer = answer.as_object().unwrap();
    assert_eq!(answer["members_omitted"], Value::Bool(true));
    let servers = answer["servers_in_room"].as_array().unwrap();
    assert_eq!(servers, [Value::from(a.name.as_str())]);
    let state = kinds_and_keys(answer, "state");
    assert!(state.iter().all(|(kind, _)| kind != "m.room.member"));
    assert!(state.iter().any(|(kind, _)| kind == "m.room.name"));
    // Whoever authorized something is in the chain, and nothing that the state has.
    let chain = kinds_and_keys(answer, "auth_chain");
    assert_eq!(chain, [("m.room.member".to_owned(), anna.to_string())]);
    a.close().await;
    b.close().await;
}

/// A room of Anna's with twenty more members, some of whom are gone again.
async fn crowded_room(house: &House, version: RoomVersion) -> (OwnedRoomId, Vec<OwnedUserId>) {
    let anna = house.user("anna").await;
    let room = house.public_room(version, &anna).await;
    let mut users = vec![anna];
    for number in 0..20 {
        let user = house.user(&format!("user{number}")).await;
        house.set_member(&room, &user, &user, "join").await;
        if number % 5 == 4 {
            house.set_member(&room, &user, &user, "leave").await;
        }
        users.push(user);
    }
    (room, users)
}

/// The ids of a room's state events.
async fn state(house: &House, room: &OwnedRoomId) -> Vec<String> {
    let view = house.rooms.get(room).await.unwrap();
    let ids = view.full_state().into_iter();
    let mut ids: Vec<_> = ids.map(|pdu| pdu.event_id().to_string()).collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_joined_at_once_and_its_members_follow() {
    let street = Street::new();
    for version in [RoomVersion::V6, RoomVersion::V11, RoomVersion::V12] {
        let (a, b) = (street.house().await, street.house().await);
        let (room, users) = crowded_room(&a, version).await;
        let ben = b.user("ben").await;

        b.join(&room, &ben, &a).await;
        let said = b.say(&room, &ben, "hello").await;
        let answer = a.say(&room, &users[1], "hello Ben").await;

        a.receives(&room, &said).await;
        b.receives(&room, &answer).await;
        b.until(|| async { !b.rooms.get(&room).await.unwrap().is_partial() })
            .await;
        assert_eq!(state(&a, &room).await, state(&b, &room).await, "{version}");
        b.until(|| async { b.rooms.pending_joins().await.unwrap().is_empty() })
            .await;
        a.close().await;
        b.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_nobody_gives_are_fetched_after_a_restart() {
    let street = Street::new();
    let (a, b, c) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (room, users) = crowded_room(&a, RoomVersion::V11).await;
    let (ben, cleo) = (b.user("ben").await, c.user("cleo").await);
    a.switch.set(Mode::Withhold);
    b.join(&room, &ben, &a).await;

    // Talking goes on in the meantime, also with members that are not known yet.
    assert!(b.rooms.get(&room).await.unwrap().is_partial());
    let said = b.say(&room, &ben, "hello").await;
    a.receives(&room, &said).await;
    let answer = a.say(&room, &users[2], "hello Ben").await;
    b.receives(&room, &answer).await;
    c.join(&room, &cleo, &a).await;
    b.sees_membership(&room, &cleo, Membership::Join).await;
    assert!(b.rooms.get(&room).await.unwrap().is_partial());
    let b = street.reopen(b).await;
    assert!(b.rooms.get(&room).await.unwrap().is_partial());
    a.switch.set(Mode::Serve);

    // Unfinished joins are looked for at a start.
    let b = street.reopen(b).await;
    b.until(|| async { !b.rooms.get(&room).await.unwrap().is_partial() })
        .await;
    b.until(|| async { b.rooms.pending_joins().await.unwrap().is_empty() })
        .await;
    assert_eq!(state(&a, &room).await, state(&b, &room).await);
    for house in [a, b, c] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_before_the_members_came_stays_away() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (room, users) = crowded_room(&a, RoomVersion::V11).await;
    let ben = b.user("ben").await;
    a.switch.set(Mode::Withhold);
    b.join(&room, &ben, &a).await;
    b.set_member(&room, &ben, &ben, "leave").await;
    a.sees_membership(&room, &ben, Membership::Leave).await;
    a.switch.set(Mode::Serve);

    let b = street.reopen(b).await;
    b.until(|| async { b.rooms.pending_joins().await.unwrap().is_empty() })
        .await;

    let view = a.rooms.get(&room).await.unwrap();
    assert_eq!(view.membership(&ben), Some(Membership::Leave));
    assert_eq!(view.membership(&users[1]), Some(Membership::Join));
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_join_is_not_done_while_members_are_fetched_for_the_first() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (room, _) = crowded_room(&a, RoomVersion::V11).await;
    let (ben, bea) = (b.user("ben").await, b.user("bea").await);
    a.switch.set(Mode::Withhold);

    b.join(&room, &ben, &a).await;
    b.join(&room, &bea, &a).await;

    let pending = b.rooms.pending_joins().await.unwrap();
    let mut waiting: Vec<_> = pending.iter().map(|join| &*join.user_id).collect();
    waiting.sort();
    assert_eq!(waiting, [&*bea, &*ben]);
    a.switch.set(Mode::Serve);
    let b = street.reopen(b).await;
    b.until(|| async { b.rooms.pending_joins().await.unwrap().is_empty() })
        .await;
    assert_eq!(state(&a, &room).await, state(&b, &room).await);
    a.close().await;
    b.close().await;
}
