//! `GET /_matrix/client/v3/rooms/{roomId}/aliases`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedRoomAliasId, OwnedRoomId};
use serde::Serialize;

use crate::{ClientApiState, auth::Session, error::Result, extract::PathArgs};

/// Aliases.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    aliases: Vec<OwnedRoomAliasId>,
}

/// The aliases of this server that lead to a room.
pub(crate) async fn get_local_aliases(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Response>> {
    let aliases = state
        .homeserver()
        .directory
        .aliases_of(&session, &room)
        .await?;
    Ok(Json(Response { aliases }))
}
