//! `PUT /_matrix/client/v3/devices/{deviceId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3devicesdeviceid>.

use axum::extract::State;
use gantry_web::{Matrix, MatrixReply};
use ruma::api::client::device::update_device::v3;

use crate::{ClientApiState, auth::Session, error::Result};

/// Changes what a device is called.
pub(crate) async fn update_device(
    State(state): State<ClientApiState>,
    Session(session): Session,
    request: Matrix<v3::Request>,
) -> Result<MatrixReply<v3::Response>> {
    let sessions = &state.homeserver().sessions;
    sessions
        .rename_device(&session, &request.body.device_id, request.body.display_name)
        .await?;
    Ok(MatrixReply(v3::Response::new()))
}
