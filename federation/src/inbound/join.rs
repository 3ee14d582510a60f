//! Other servers' users who join through us.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use gantry_model::{
    Object, Pdu, Value,
    id::{OwnedRoomId, RoomId, ServerName},
};
use gantry_web::PathArgs;

use super::{
    Answer,
    handshake::{make, membership, own_user, require_own_membership, require_version, take_in},
    reply, version_1,
};
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    wire::{self, user_id},
};

/// `GET /_matrix/federation/v1/make_join/{roomId}/{userId}`
pub(super) async fn make_join(
    State(federation): State<Federation>,
    PathArgs((room, user)): PathArgs<(OwnedRoomId, String)>,
    RawQuery(query): RawQuery,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let user = own_user(&origin, &user)?;
    let view = federation.room_for(&origin, &room).await?;
    require_version(&view, query.as_deref())?;
    let mut content = membership("join");
    if let Some(voucher) = federation.voucher(&view, &user).await? {
        content.insert(
            "join_authorised_via_users_server".to_owned(),
            voucher.as_str().into(),
        );
    }
    make(&federation, &room, &user, content).await
}

/// `PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}`
pub(super) async fn send_join(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    join(&federation, &origin, &room, &event, body).await
}

/// `PUT /_matrix/federation/v1/send_join/{roomId}/{eventId}`
pub(super) async fn send_join_v1(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    join(&federation, &origin, &room, &event, body)
        .await
        .map(version_1)
}

async fn join(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
    event_id: &str,
    body: Object,
) -> Result<Json<Value>> {
    let view = federation.room_for(origin, room).await?;
    let pdu = Pdu::parse(body, view.version())?;
    require_own_membership(origin, &pdu, "join")?;
    let pdu = vouch(federation, &view, pdu).await?;
    let object = pdu.object().clone();
    let pdu = federation
        .check_handed_over(object, view.version(), room, event_id)
        .await?;
    take_in(federation, pdu.clone()).await?;
    answer(federation, room, &pdu).await
}

/// Our signature under the join, if it says that one of our users vouches for it and that is so.
async fn vouch(federation: &Federation, view: &gantry_rooms::RoomView, pdu: Pdu) -> Result<Pdu> {
    let identity = federation.rooms().identity();
    let named = pdu
        .content_str("join_authorised_via_users_server")
        .and_then(user_id);
    match named {
        Some(named) if identity.is_local(&named) && view.rules().restricted => {
            federation.voucher(view, pdu.sender()).await?;
            Ok(pdu.signed_by(identity.server_name(), identity.key()))
        }
        _ => Ok(pdu),
    }
}

/// The room before the join, and everything that authorizes it.
async fn answer(federation: &Federation, room: &RoomId, pdu: &Pdu) -> Result<Json<Value>> {
    let rooms = federation.rooms();
    let state = rooms
        .state_before(room, pdu.event_id())
        .await?
        .ok_or(Error::NotFound("the state before the join is not known"))?;
    let view = rooms.get(room).await?;
    let auth_chain = rooms.auth_chain_of_state(&view, &state);
    let servers = view.servers();
    let servers: Vec<Value> = servers
        .iter()
        .map(|server| server.as_str().into())
        .collect();
    Ok(reply([
        ("origin", federation.us().as_str().into()),
        ("event", pdu.object().clone().into()),
        ("state", wire::pdus(state.iter().map(Arc::as_ref))),
        ("auth_chain", wire::pdus(auth_chain.iter().map(Arc::as_ref))),
        ("members_omitted", false.into()),
        ("servers_in_room", servers.into()),
    ]))
}
