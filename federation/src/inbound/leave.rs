//! Other servers' users who leave, or reject an invite, through us.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites>.

use axum::{Json, extract::State};
use gantry_model::{
    Object, Value,
    id::{OwnedRoomId, RoomId, ServerName},
};
use gantry_web::PathArgs;

use super::{
    Answer,
    handshake::{make, membership, own_user, require_own_membership, take_in},
    reply, version_1,
};
use crate::{Federation, Result, auth::ServerOrigin};

/// `GET /_matrix/federation/v1/make_leave/{roomId}/{userId}`
pub(super) async fn make_leave(
    State(federation): State<Federation>,
    PathArgs((room, user)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let user = own_user(&origin, &user)?;
    federation.room_for(&origin, &room).await?;
    make(&federation, &room, &user, membership("leave")).await
}

/// `PUT /_matrix/federation/v2/send_leave/{roomId}/{eventId}`
pub(super) async fn send_leave(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    leave(&federation, &origin, &room, &event, body).await
}

/// `PUT /_matrix/federation/v1/send_leave/{roomId}/{eventId}`
pub(super) async fn send_leave_v1(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    leave(&federation, &origin, &room, &event, body)
        .await
        .map(version_1)
}

async fn leave(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
    event_id: &str,
    body: Object,
) -> Result<Json<Value>> {
    let view = federation.room_for(origin, room).await?;
    let pdu = federation
        .check_handed_over(body, view.version(), room, event_id)
        .await?;
    require_own_membership(origin, &pdu, "leave")?;
    take_in(federation, &view, pdu).await?;
    Ok(reply([]))
}
