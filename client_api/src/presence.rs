//! Who is there: `/_matrix/client/v3/presence/{userId}/status`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#presence>.

use axum::{Json, extract::State};
use gantry_homeserver::PresenceState;
use gantry_model::id::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// What the user's presence is.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    presence: PresenceState,
    status_msg: Option<String>,
}

/// What a user's presence is.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    presence: PresenceState,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_msg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_active_ago: Option<i64>,
    currently_active: bool,
}

/// Sets the user's own presence.
pub(crate) async fn set_presence(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    let presences = &state.homeserver().presences;
    presences.set(&session, body.presence, body.status_msg)?;
    Ok(Json(Done {}))
}

/// Somebody's presence.
pub(crate) async fn get_presence(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Status>> {
    let presences = &state.homeserver().presences;
    let shown = presences.of(&session, &user).await?;
    Ok(Json(Status {
        presence: shown.state,
        status_msg: shown.status_msg,
        last_active_ago: shown.last_active_ago,
        currently_active: shown.currently_active,
    }))
}
