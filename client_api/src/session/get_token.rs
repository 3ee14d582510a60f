//! `POST /_matrix/client/v1/login/get_token`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv1loginget_token>.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{ClientApiState, auth::Session, error::Result, extract::UiaBody, uia::done};

/// Nothing but the client's authentication.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {}

/// The token for the other client.
#[derive(Serialize)]
pub(crate) struct Response {
    login_token: String,
    expires_in_ms: i64,
}

/// Gives a token by which another client can log in as the user.
pub(crate) async fn generate_login_token(
    State(state): State<ClientApiState>,
    Session(session): Session,
    UiaBody { auth, .. }: UiaBody<Body>,
) -> Result<Json<Response>> {
    let sessions = &state.homeserver().sessions;
    let (login_token, expires_in_ms) = done(sessions.login_token(&session, &auth).await?)?;
    Ok(Json(Response {
        login_token,
        expires_in_ms,
    }))
}
