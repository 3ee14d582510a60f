//! `GET /_matrix/client/v3/joined_rooms`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3joined_rooms>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedRoomId;
use serde::Serialize;

use crate::{ClientApiState, auth::Session, error::Result};

/// Rooms.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    joined_rooms: Vec<OwnedRoomId>,
}

/// The rooms that the user is in.
pub(crate) async fn get_joined_rooms(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<Json<Response>> {
    let joined_rooms = state.homeserver().membership.joined_rooms(&session).await?;
    Ok(Json(Response { joined_rooms }))
}
