//! `POST /_matrix/client/v3/rooms/{roomId}/ban` and `unban`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidban>.

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

/// Bans a user.
pub(crate) async fn ban(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<TargetBody>,
) -> Result<Json<Done>> {
    let membership = &state.homeserver().membership;
    membership
        .ban(&session, &room, &body.user_id, body.reason)
        .await?;
    Ok(Json(Done {}))
}

/// Lifts a ban.
pub(crate) async fn unban(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<TargetBody>,
) -> Result<Json<Done>> {
    let membership = &state.homeserver().membership;
    membership
        .unban(&session, &room, &body.user_id, body.reason)
        .await?;
    Ok(Json(Done {}))
}
