//! `POST /_matrix/client/v3/user/{userId}/openid/request_token`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token>.

use axum::{Json, extract::State};
use gantry_homeserver::OPENID_TOKEN_MS;
use gantry_model::id::{OwnedServerName, OwnedUserId};
use serde::Serialize;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::Result,
    extract::PathArgs,
};

/// A token by which others can ask us who the user is.
#[derive(Serialize)]
pub(crate) struct Response {
    access_token: String,
    token_type: &'static str,
    matrix_server_name: OwnedServerName,
    expires_in: i64,
}

/// Gives a token by which the user can show others who he is.
pub(crate) async fn request_openid_token(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Response>> {
    require_self(&session, &user)?;
    let sessions = &state.homeserver().sessions;
    Ok(Json(Response {
        access_token: sessions.openid_token(&session).await?,
        token_type: "Bearer",
        matrix_server_name: user.server_name().to_owned(),
        expires_in: OPENID_TOKEN_MS / 1_000,
    }))
}
