//! `GET /_matrix/client/v3/register/available`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable>.

use axum::extract::State;
use gantry_web::{Matrix, MatrixReply};
use ruma::api::client::account::get_username_availability::v3;

use crate::{ClientApiState, error::Result};

/// Whether a user name can be had.
pub(crate) async fn check_username_availability(
    State(state): State<ClientApiState>,
    request: Matrix<v3::Request>,
) -> Result<MatrixReply<v3::Response>> {
    state
        .homeserver()
        .sessions
        .username_available(&request.body.username)
        .await?;
    Ok(MatrixReply(v3::Response::new(true)))
}
