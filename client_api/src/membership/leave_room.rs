//! `POST /_matrix/client/v3/rooms/{roomId}/leave`:
//! <https://spec.matrix.org/v1.19/client-server-api/#leaving-rooms>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedRoomId;
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// Why.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    reason: Option<String>,
}

/// Leaves a room, rejects an invite or retracts a knock.
pub(crate) async fn leave_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    state
        .homeserver()
        .membership
        .leave(&session, &room, body.reason)
        .await?;
    Ok(Json(Done {}))
}
