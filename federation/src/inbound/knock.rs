//! Other servers' users who knock through us.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms>.

use axum::extract::{RawQuery, State};
use gantry_model::{Object, Value, id::OwnedRoomId};
use gantry_rooms::RoomView;
use gantry_web::PathArgs;

use super::{
    Answer,
    handshake::{make, membership, own_user, require_own_membership, require_version, take_in},
    reply,
};
use crate::{Error, Federation, auth::ServerOrigin};

/// State events that a user sees of a room before being in it.
const SHOWN: [&str; 7] = [
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
];

/// `GET /_matrix/federation/v1/make_knock/{roomId}/{userId}`
pub(super) async fn make_knock(
    State(federation): State<Federation>,
    PathArgs((room, user)): PathArgs<(OwnedRoomId, String)>,
    RawQuery(query): RawQuery,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let user = own_user(&origin, &user)?;
    let view = federation.whole_room_for(&origin, &room).await?;
    require_version(&view, query.as_deref())?;
    if !view.rules().knocking {
        return Err(Error::Forbidden("the room's version knows no knocking"));
    }
    make(&federation, &room, &user, membership("knock")).await
}

/// `PUT /_matrix/federation/v1/send_knock/{roomId}/{eventId}`
pub(super) async fn send_knock(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    let view = federation.whole_room_for(&origin, &room).await?;
    let pdu = federation
        .check_handed_over(body, view.version(), &room, &event)
        .await?;
    require_own_membership(&origin, &pdu, "knock")?;
    take_in(&federation, &view, pdu).await?;
    let state: Vec<Value> = shown_events(&view).into_iter().map(Value::from).collect();
    Ok(reply([("knock_room_state", state.into())]))
}

/// What a user sees of a room before being in it, as whole events.
pub(super) fn shown_events(view: &RoomView) -> Vec<Object> {
    let events = SHOWN.iter().filter_map(|kind| view.state(kind, ""));
    events.map(|event| event.object().clone()).collect()
}
