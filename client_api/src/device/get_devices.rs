//! `GET /_matrix/client/v3/devices` and `/devices/{deviceId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices>.

use axum::extract::State;
use gantry_web::{Matrix, MatrixReply};
use ruma::api::client::device::{Device, get_device, get_devices};

use crate::{ClientApiState, auth::Session, error::Result};

/// All devices of the user.
pub(crate) async fn get_devices(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<MatrixReply<get_devices::v3::Response>> {
    let devices = state.homeserver().sessions.devices(&session).await?;
    let devices = devices.into_iter().map(to_ruma).collect();
    Ok(MatrixReply(get_devices::v3::Response::new(devices)))
}

/// One of them.
pub(crate) async fn get_device(
    State(state): State<ClientApiState>,
    Session(session): Session,
    request: Matrix<get_device::v3::Request>,
) -> Result<MatrixReply<get_device::v3::Response>> {
    let device = state
        .homeserver()
        .sessions
        .device(&session, &request.body.device_id)
        .await?;
    Ok(MatrixReply(get_device::v3::Response::new(to_ruma(device))))
}

fn to_ruma(device: gantry_homeserver::Device) -> Device {
    let mut shown = Device::new(device.device_id);
    shown.display_name = device.display_name;
    if let Some(seen) = device.last_seen {
        shown.last_seen_ip = Some(seen.ip);
        shown.last_seen_ts = u64::try_from(seen.ts)
            .ok()
            .and_then(|ts| ruma::UInt::new(ts))
            .map(ruma::MilliSecondsSinceUnixEpoch);
    }
    shown
}
