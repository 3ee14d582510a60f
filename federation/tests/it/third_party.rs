//! Invites on an identity server's word.

use axum::{
    Json, Router,
    routing::{get, post},
};
use gantry_federation::{AddressAt, FederationConfig};
use gantry_model::{Object, RoomVersion, ServerSigningKey, id::UserId};
use gantry_rooms::{Membership, NewEvent, OutOfBandKind};
use http::{Method, StatusCode};

use crate::house::{House, Street, object};

const ON_BIND: &str = "/_matrix/federation/v1/3pid/onbind";

/// What makes a server an identity server, which knows of nobody.
pub(crate) fn identity_routes() -> Router {
    let details =
        || async { Json(serde_json::json!({"algorithms": ["sha256"], "lookup_pepper": "p"})) };
    let nobody = || async { Json(serde_json::json!({"mappings": {}})) };
    let offer = || async {
        Json(serde_json::json!({
            "token": "place", "display_name": "b...@c...",
            "public_keys": [{"public_key": "k", "key_validity_url": "https://id/valid"}],
        }))
    };
    Router::new()
        .route("/_matrix/identity/v2/hash_details", get(details))
        .route("/_matrix/identity/v2/lookup", post(nobody))
        .route("/_matrix/identity/v2/store-invite", post(offer))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_identity_server_is_asked() {
    let street = Street::new();
    let (id, stranger) = (street.house().await, street.house().await);
    let a = street
        .house_with(FederationConfig {
            identity_servers: vec![id.name.clone()],
            ..FederationConfig::default()
        })
        .await;
    let anna = a.user("anna").await;
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let view = a.rooms.get(&room).await.unwrap();
    let at = |house: &House| AddressAt {
        id_server: house.name.clone(),
        id_access_token: "secret".to_owned(),
        medium: "email".to_owned(),
        address: "b@c.d".to_owned(),
    };

    let found = a.calls.look_up_address(&at(&id)).await.unwrap();
    let offer = a.calls.store_invite(&at(&id), &view, &anna).await.unwrap();
    let refused = a.calls.look_up_address(&at(&stranger)).await;

    assert_eq!((found, offer.token.as_str()), (None, "place"));
    assert_eq!(offer.content["public_key"], "k".into());
    assert!(refused.is_err());
    assert_eq!(stranger.switch.served(), 0);
    for house in [id, stranger, a] {
        house.close().await;
    }
}

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
