//! `/_matrix/client/v1/admin/lock/{userId}` and `/suspend/{userId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#server-administration>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
};

/// Whether the account is locked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Locked {
    locked: bool,
}

/// Whether the account is suspended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Suspended {
    suspended: bool,
}

/// Whether an account is locked.
pub(crate) async fn get_lock(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Locked>> {
    let administration = &state.homeserver().administration;
    let locked = administration.is_locked(&session, &user).await?;
    Ok(Json(Locked { locked }))
}

/// Locks an account, or unlocks it.
pub(crate) async fn set_lock(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<Locked>,
) -> Result<Json<Locked>> {
    let administration = &state.homeserver().administration;
    administration
        .set_locked(&session, &user, body.locked)
        .await?;
    Ok(Json(body))
}

/// Whether an account is suspended.
pub(crate) async fn get_suspend(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Suspended>> {
    let administration = &state.homeserver().administration;
    let suspended = administration.is_suspended(&session, &user).await?;
    Ok(Json(Suspended { suspended }))
}

/// Suspends an account, or no longer.
pub(crate) async fn set_suspend(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<Suspended>,
) -> Result<Json<Suspended>> {
    let administration = &state.homeserver().administration;
    administration
        .set_suspended(&session, &user, body.suspended)
        .await?;
    Ok(Json(body))
}
