//! `POST /_matrix/client/v3/logout` and `/logout/all`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3logout>.

use axum::extract::State;
use gantry_web::MatrixReply;
use ruma::api::client::session::{logout, logout_all};

use crate::{ClientApiState, auth::EndingSession, error::Result};

/// Ends this session.
pub(crate) async fn logout(
    State(state): State<ClientApiState>,
    EndingSession(session): EndingSession,
) -> Result<MatrixReply<logout::v3::Response>> {
    state.homeserver().sessions.logout(&session).await?;
    Ok(MatrixReply(logout::v3::Response::new()))
}

/// Ends all sessions of the user.
pub(crate) async fn logout_all(
    State(state): State<ClientApiState>,
    EndingSession(session): EndingSession,
) -> Result<MatrixReply<logout_all::v3::Response>> {
    state.homeserver().sessions.logout_all(&session).await?;
    Ok(MatrixReply(logout_all::v3::Response::new()))
}
