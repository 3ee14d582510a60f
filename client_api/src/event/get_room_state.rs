//! `GET /_matrix/client/v3/rooms/{roomId}/state`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedRoomId;

use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::PathArgs,
};

/// All state events of a room.
pub(crate) async fn get_room_state(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Vec<ClientEvent>>> {
    let events = state.homeserver().reading.state(&session, &room).await?;
    Ok(Json(Viewer::new(&session, state.now_ms()).states(&events)))
}
