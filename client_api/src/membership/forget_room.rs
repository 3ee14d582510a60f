//! `POST /_matrix/client/v3/rooms/{roomId}/forget`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedRoomId;

use crate::{ClientApiState, auth::Session, error::Result, extract::PathArgs, reply::Done};

/// Takes a room that the user has left out of his sight.
pub(crate) async fn forget_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
) -> Result<Json<Done>> {
    state
        .homeserver()
        .membership
        .forget(&session, &room)
        .await?;
    Ok(Json(Done {}))
}
