//! `PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#typing-notifications>.

use std::time::Duration;

use axum::{Json, extract::State};
use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// How long somebody types whose client does not say.
const DEFAULT_TIMEOUT_MS: u64 = 30_000;
/// The longest that somebody types without saying so again.
const MAX_TIMEOUT_MS: u64 = 120_000;

/// Whether the user types, and for how many milliseconds.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    typing: bool,
    timeout: Option<u64>,
}

/// Tells the room whether the user types.
pub(crate) async fn set_typing(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, user)): PathArgs<(OwnedRoomId, OwnedUserId)>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let timeout = body
        .timeout
        .unwrap_or(DEFAULT_TIMEOUT_MS)
        .min(MAX_TIMEOUT_MS);
    let timeout = body.typing.then(|| Duration::from_millis(timeout));
    state
        .homeserver()
        .user_data
        .set_typing(&session, &room, timeout)
        .await?;
    Ok(Json(Done {}))
}
