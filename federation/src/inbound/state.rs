//! The state of a room for other servers in it.

use std::{collections::HashMap, sync::Arc};

use axum::extract::{Query, State};
use gantry_model::{
    Pdu,
    id::{OwnedRoomId, RoomId, ServerName},
};
use gantry_web::PathArgs;

use super::{Answer, reply};
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    wire::{self, event_id},
};

type Parameters = Query<HashMap<String, String>>;

/// `GET /_matrix/federation/v1/state/{roomId}`
pub(super) async fn get_state(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    Query(parameters): Parameters,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let (state, auth_chain) = state_at(&federation, &origin, &room, &parameters).await?;
    Ok(reply([
        ("pdus", wire::pdus(state.iter().map(Arc::as_ref))),
        ("auth_chain", wire::pdus(auth_chain.iter().map(Arc::as_ref))),
    ]))
}

/// `GET /_matrix/federation/v1/state_ids/{roomId}`
pub(super) async fn get_state_ids(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    Query(parameters): Parameters,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let (state, auth_chain) = state_at(&federation, &origin, &room, &parameters).await?;
    Ok(reply([
        ("pdu_ids", wire::ids(state.iter().map(|pdu| pdu.event_id()))),
        (
            "auth_chain_ids",
            wire::ids(auth_chain.iter().map(|pdu| pdu.event_id())),
        ),
    ]))
}

type Events = Vec<Arc<Pdu>>;

/// The state before the event that the query names, and what authorizes it.
async fn state_at(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
    parameters: &HashMap<String, String>,
) -> Result<(Events, Events)> {
    federation.room_shared_with(origin, room).await?;
    let view = federation.whole_room_for(origin, room).await?;
    let id = parameters.get("event_id").and_then(|id| event_id(id));
    let id = id.ok_or(Error::BadRequest("event_id is missing"))?;
    let state = federation.rooms().state_before(room, &id).await?;
    let state = state.ok_or(Error::NotFound("the state before the event is not known"))?;
    let auth_chain = federation.rooms().auth_chain_of_state(&view, &state);
    Ok((state, auth_chain))
}
