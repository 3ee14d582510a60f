//! Invites on an identity server's word.

use gantry_model::{Object, RoomVersion, ServerSigningKey, id::UserId};
use gantry_rooms::{Membership, NewEvent, OutOfBandKind};
use http::{Method, StatusCode};

use crate::house::{House, Street, object};

const ON_BIND: &str = "/_matrix/federation/v1/3pid/onbind";

/// A room in which `creator` offers a place to whoever proves the token.
async fn offering(
    house: &House,
    creator: &UserId,
    key: &ServerSigningKey,
) -> gantry_model::id::OwnedRoomId {
    let room = house
        .room(RoomVersion::V11, creator, r#"{"join_rule":"invite"}"#)
        .await;
    let offer = format!(
        r#"{{"display_name":"b...@c...","public_key":"{}"}}"#,
        key.verify_key().to_base64()
    );
    let kind = "m.room.third_party_invite";
    let offer = NewEvent::state(creator.to_owned(), kind, "token", object(&offer));
    house.rooms.submit(&room, offer).await.unwrap();
    room
}

/// What the identity server says when `user` has proven the address.
fn notification(key: &ServerSigningKey, room: &str, sender: &UserId, user: &UserId) -> Object {
    let mut signed = object(&format!(r#"{{"mxid":"{user}","token":"token"}}"#));
    key.sign_object("id.example", &mut signed);
    let signed = String::from_utf8(gantry_model::Value::Object(signed).to_bytes()).unwrap();
    object(&format!(
        r#"{{"medium":"email","address":"b@c.d","mxid":"{user}","invites":[{{
            "medium":"email","address":"b@c.d","mxid":"{user}","room_id":"{room}",
            "sender":"{sender}","signed":{signed}}}]}}"#
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_proves_an_address_is_invited_through_the_inviting_server() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let (key, other) = (
        ServerSigningKey::from_seed("0", &[1; 32]),
        ServerSigningKey::from_seed("0", &[2; 32]),
    );
    let room = offering(&a, &anna, &key).await;

    let forged = Some(notification(&other, room.as_str(), &anna, &ben));
    street.send(Method::PUT, &b, ON_BIND, forged, None).await;
    assert!(b.rooms.out_of_band_of(&ben, &room).await.unwrap().is_none());
    let told = Some(notification(&key, room.as_str(), &anna, &ben));
    let (status, _) = street.send(Method::PUT, &b, ON_BIND, told, None).await;

    assert_eq!(status, StatusCode::OK);
    let invite = b.rooms.out_of_band_of(&ben, &room).await.unwrap().unwrap();
    assert_eq!(invite.kind, OutOfBandKind::Invite);
    a.sees_membership(&room, &ben, Membership::Invite).await;
    b.calls.join(&room, &ben, &[], Object::new()).await.unwrap();
    a.sees_membership(&room, &ben, Membership::Join).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_the_room_invites_in_the_name_of_who_offered() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let bea = b.user("bea").await;
    let key = ServerSigningKey::from_seed("0", &[1; 32]);
    let room = offering(&a, &anna, &key).await;
    a.invite(&room, &anna, &bea).await;
    b.calls.join(&room, &bea, &[], Object::new()).await.unwrap();

    let told = Some(notification(&key, room.as_str(), &anna, &ben));
    let (status, _) = street.send(Method::PUT, &b, ON_BIND, told, None).await;

    assert_eq!(status, StatusCode::OK);
    b.sees_membership(&room, &ben, Membership::Invite).await;
    a.sees_membership(&room, &ben, Membership::Invite).await;
    a.close().await;
    b.close().await;
}
