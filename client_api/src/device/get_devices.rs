//! `GET /_matrix/client/v3/devices` and `/devices/{deviceId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3devices>.

use axum::{Json, extract::State};
use gantry_model::id::OwnedDeviceId;
use serde::Serialize;

use crate::{ClientApiState, auth::Session, error::Result, extract::PathArgs};

/// A device. ruma's type shows what is not known as null, which the specification does not allow.
#[derive(Debug, Serialize)]
pub(crate) struct Device {
    device_id: OwnedDeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ts: Option<i64>,
}

/// All devices of a user.
#[derive(Debug, Serialize)]
pub(crate) struct Devices {
    devices: Vec<Device>,
}

impl From<gantry_homeserver::Device> for Device {
    fn from(device: gantry_homeserver::Device) -> Self {
        let (last_seen_ip, last_seen_ts) = match device.last_seen {
            Some(seen) => (Some(seen.ip), Some(seen.ts)),
            None => (None, None),
        };
        Self {
            device_id: device.device_id,
            display_name: device.display_name,
            last_seen_ip,
            last_seen_ts,
        }
    }
}

/// All devices of the user.
pub(crate) async fn get_devices(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<Json<Devices>> {
    let devices = state.homeserver().sessions.devices(&session).await?;
    let devices = devices.into_iter().map(Device::from).collect();
    Ok(Json(Devices { devices }))
}

/// One of them.
pub(crate) async fn get_device(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(device): PathArgs<OwnedDeviceId>,
) -> Result<Json<Device>> {
    let sessions = &state.homeserver().sessions;
    Ok(Json(sessions.device(&session, &device).await?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let device = Device {
            device_id: "A".into(),
            display_name: None,
            last_seen_ip: None,
            last_seen_ts: None,
        };

        let shown = serde_json::to_string(&device).unwrap();

        assert_eq!(shown, r#"{"device_id":"A"}"#);
    }
}
