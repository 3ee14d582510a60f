//! Rooms that ask a server for its opinion.

use std::sync::Arc;

use axum::{Json, Router, body::Bytes, extract::State, response::IntoResponse, routing::post};
use gantry_model::{
    ErrorKind, RoomVersion, ServerSigningKey, Value,
    canonical_json::parse_object,
    id::{OwnedRoomId, OwnedServerName, OwnedUserId},
    sign::signatures_of,
};
use gantry_rooms::{Membership, NewEvent, Txn};
use http::StatusCode;

use crate::{
    house::{House, Street, message, object},
    listener::{Mode, Switch},
};

/// What makes a server a policy server.
pub(crate) fn route(name: OwnedServerName, switch: Switch) -> Router {
    Router::new()
        .route("/_matrix/policy/v1/sign", post(sign))
        .with_state((name, switch))
}

fn policy_key() -> ServerSigningKey {
    ServerSigningKey::from_seed("policy_server", &[9; 32])
}

async fn sign(
    State((name, switch)): State<(OwnedServerName, Switch)>,
    body: Bytes,
) -> axum::response::Response {
    if switch.is(Mode::Disapprove) {
        let error = serde_json::json!({"errcode": "M_FORBIDDEN", "error": "spam"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    }
    let mut event = parse_object(&body).unwrap();
    event.remove("signatures");
    policy_key().sign_event(name.as_str(), &mut event, RoomVersion::V11.rules());
    Json(event.remove("signatures").unwrap()).into_response()
}

/// A room of `a` with a policy server, and a member on `b`.
async fn watched_room(a: &House, b: &House, police: &House) -> (OwnedRoomId, OwnedUserId) {
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let paul = police.user("paul").await;
    let room = a.public_room(RoomVersion::V11, &anna).await;
    police.join(&room, &paul, a).await;
    b.join(&room, &ben, a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    let policy = format!(
        r#"{{"via":"{}","public_keys":{{"ed25519":"{}"}}}}"#,
        police.name,
        policy_key().verify_key().to_base64()
    );
    let policy = NewEvent::state(anna, "m.room.policy", "", object(&policy));
    let policy = a.rooms.submit(&room, policy).await.unwrap().event_id;
    b.receives(&room, &policy).await;
    (room, ben)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_server_refuses_is_soft_failed() {
    let street = Street::new();
    let (a, b, police) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (room, ben) = watched_room(&a, &b, &police).await;

    // This server does not ask, as one that knows nothing of policy servers.
    let good = b.say(&room, &ben, "good").await;
    a.receives(&room, &good).await;
    police.switch.set(Mode::Disapprove);
    let bad = b.say(&room, &ben, "bad").await;
    a.receives(&room, &bad).await;

    let good = a.rooms.event(&room, &good).await.unwrap().unwrap();
    let bad = a.rooms.event(&room, &bad).await.unwrap().unwrap();
    assert!(!good.flags.soft);
    assert!(bad.flags.soft);
    for house in [a, b, police] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_here_is_signed_first() {
    let street = Street::new();
    let (a, b, police) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (room, ben) = watched_room(&a, &b, &police).await;
    let view = b.rooms.get(&room).await.unwrap();
    let event = message(&ben, "may I").with_txn(Txn {
        device: "D".to_owned(),
        endpoint: "send",
        id: "1".to_owned(),
    });
    let draft = b.rooms.draft(&room, event.clone()).await.unwrap();

    let signed = b.calls.recommend(&view, draft.clone()).await.unwrap();
    let drafted = NewEvent {
        drafted: Some(Arc::new(signed.clone())),
        ..event
    };
    let sent = b.rooms.submit(&room, drafted.clone()).await.unwrap();
    let again = b.rooms.submit(&room, drafted).await.unwrap();
    police.switch.set(Mode::Disapprove);
    let refused = b.calls.recommend(&view, draft).await;

    assert!(b.calls.needs_recommendation(&view, "m.room.message", None));
    assert!(
        !b.calls
            .needs_recommendation(&view, "m.room.policy", Some(""))
    );
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(sent.event_id, *signed.event_id());
    assert!(!sent.repeated && again.repeated && again.event_id == sent.event_id);
    a.receives(&room, &sent.event_id).await;
    let got = a.rooms.event(&room, &sent.event_id).await.unwrap().unwrap();
    // Its signature is on it, so nobody is asked again.
    assert!(!got.flags.soft);
    let mut keys = signatures_of(got.pdu.object(), police.name.as_str());
    assert!(keys.any(|(key, _)| key == "ed25519:policy_server"));
    assert!(matches!(signed.object()["signatures"], Value::Object(_)));
    for house in [a, b, police] {
        house.close().await;
    }
}
