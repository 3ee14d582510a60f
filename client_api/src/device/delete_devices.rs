//! `DELETE /_matrix/client/v3/devices/{deviceId}` and `POST /delete_devices`:
//! <https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3devicesdeviceid>.

use axum::extract::State;
use gantry_model::id::OwnedDeviceId;
use gantry_web::MatrixReply;
use ruma::api::client::device::{delete_device, delete_devices};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{PathArgs, UiaBody},
    uia::done,
};

/// Nothing but the client's authentication.
#[derive(Debug, Deserialize)]
pub(crate) struct OneBody {}

/// Which devices.
#[derive(Debug, Deserialize)]
pub(crate) struct ManyBody {
    devices: Vec<OwnedDeviceId>,
}

/// Deletes a device and ends its session.
pub(crate) async fn delete_device(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(device): PathArgs<OwnedDeviceId>,
    UiaBody { auth, .. }: UiaBody<OneBody>,
) -> Result<MatrixReply<delete_device::v3::Response>> {
    let sessions = &state.homeserver().sessions;
    done(
        sessions
            .delete_devices(&session, vec![device], &auth)
            .await?,
    )?;
    Ok(MatrixReply(delete_device::v3::Response::new()))
}

/// Deletes several devices.
pub(crate) async fn delete_devices(
    State(state): State<ClientApiState>,
    Session(session): Session,
    UiaBody { body, auth }: UiaBody<ManyBody>,
) -> Result<MatrixReply<delete_devices::v3::Response>> {
    let sessions = &state.homeserver().sessions;
    done(
        sessions
            .delete_devices(&session, body.devices, &auth)
            .await?,
    )?;
    Ok(MatrixReply(delete_devices::v3::Response::new()))
}
