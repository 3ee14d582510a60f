//! `POST /_matrix/client/v3/refresh`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh>.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{ClientApiState, error::Result, extract::JsonBody};

/// The refresh token.
#[derive(Deserialize)]
pub(crate) struct Body {
    refresh_token: String,
}

/// The new pair.
#[derive(Serialize)]
pub(crate) struct Response {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
}

/// Exchanges a refresh token for another access token.
pub(crate) async fn refresh(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let sessions = &state.homeserver().sessions;
    let session = sessions.refresh(&body.refresh_token).await?;
    let (refresh_token, expires_in_ms) = session
        .refresh
        .map(|refresh| (refresh.token, refresh.expires_in_ms))
        .unzip();
    Ok(Json(Response {
        access_token: session.access_token,
        refresh_token,
        expires_in_ms,
    }))
}
