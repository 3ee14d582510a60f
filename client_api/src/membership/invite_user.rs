//! `POST /_matrix/client/v3/rooms/{roomId}/invite`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedRoomId;

use super::TargetBody;
use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Invites a user of this or another server.
pub(crate) async fn invite_user(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<TargetBody>,
) -> Result<Json<Done>> {
    let membership = &state.homeserver().membership;
    membership
        .invite(&session, &room, &body.user_id, body.reason)
        .await?;
    Ok(Json(Done {}))
}
