//! `/_matrix/client/v3/directory/room/{roomAlias}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#room-aliases>.

use axum::{Json, extract::State};
use gantry_model::{
    ErrorKind,
    id::{OwnedRoomAliasId, OwnedRoomId, OwnedServerName},
};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Where an alias leads.
#[derive(Debug, Serialize)]
pub(crate) struct Resolved {
    room_id: OwnedRoomId,
    servers: Vec<OwnedServerName>,
}

/// Where an alias shall lead.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    room_id: OwnedRoomId,
}

/// Tells where an alias of this or another server leads.
pub(crate) async fn get_room_id_by_alias(
    State(state): State<ClientApiState>,
    PathArgs(alias): PathArgs<OwnedRoomAliasId>,
) -> Result<Json<Resolved>> {
    let resolved = state.homeserver().directory.resolve_alias(&alias).await?;
    Ok(Json(Resolved {
        room_id: resolved.room_id,
        servers: resolved.servers,
    }))
}

/// Makes an alias.
pub(crate) async fn set_room_alias(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(alias): PathArgs<OwnedRoomAliasId>,
    JsonBody(target): JsonBody<Target>,
) -> Result<Json<Done>> {
    let directory = &state.homeserver().directory;
    let made = directory
        .create_alias(&session, &alias, &target.room_id)
        .await;
    made.map_err(|error| match error.kind() {
        // Where a room is made that is 400 `M_ROOM_IN_USE`; here it is 409 `M_UNKNOWN`.
        ErrorKind::RoomInUse => Error::Refused {
            kind: ErrorKind::Conflict,
            reason: "The alias exists already",
        },
        _ => error.into(),
    })?;
    Ok(Json(Done {}))
}

/// Takes an alias away.
pub(crate) async fn delete_room_alias(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(alias): PathArgs<OwnedRoomAliasId>,
) -> Result<Json<Done>> {
    state
        .homeserver()
        .directory
        .delete_alias(&session, &alias)
        .await?;
    Ok(Json(Done {}))
}
