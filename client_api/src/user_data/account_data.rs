//! `GET` and `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype>.

use axum::{Json, extract::State};
use gantry_model::{Object, id::OwnedUserId};

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// A piece of the user's account data.
pub(crate) async fn get_account_data(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, kind)): PathArgs<(OwnedUserId, String)>,
) -> Result<Json<Object>> {
    require_self(&session, &user)?;
    Ok(Json(
        state
            .homeserver()
            .user_data
            .account_data(&session, None, &kind)
            .await?,
    ))
}

/// Stores one.
pub(crate) async fn set_account_data(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, kind)): PathArgs<(OwnedUserId, String)>,
    JsonBody(content): JsonBody<Object>,
) -> Result<Json<Done>> {
    require_self(&session, &user)?;
    state
        .homeserver()
        .user_data
        .set_account_data(&session, None, &kind, content)
        .await?;
    Ok(Json(Done {}))
}
