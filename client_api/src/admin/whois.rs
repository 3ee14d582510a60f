//! `GET /_matrix/client/v3/admin/whois/{userId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_homeserver::Device;
use gantry_model::id::{OwnedDeviceId, OwnedUserId};
use serde::Serialize;

use crate::{ClientApiState, auth::Session, error::Result, extract::PathArgs};

/// The devices of a user and from where they were used.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    user_id: OwnedUserId,
    devices: BTreeMap<OwnedDeviceId, DeviceInfo>,
}

#[derive(Debug, Serialize)]
struct DeviceInfo {
    sessions: Vec<SessionInfo>,
}

#[derive(Debug, Serialize)]
struct SessionInfo {
    connections: Vec<Connection>,
}

#[derive(Debug, Serialize)]
struct Connection {
    ip: String,
    last_seen: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

/// What software this is, for tools that ask before they begin.
#[derive(Debug, Serialize)]
pub(crate) struct ServerVersion {
    server_version: &'static str,
}

/// Tells the devices of a user.
pub(crate) async fn whois(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Response>> {
    let administration = &state.homeserver().administration;
    let devices = administration.whois(&session, &user).await?;
    Ok(Json(Response {
        user_id: user,
        devices: devices.into_iter().map(shown).collect(),
    }))
}

/// Tells the version of this software.
pub(crate) async fn get_server_version() -> Json<ServerVersion> {
    Json(ServerVersion {
        server_version: concat!("Gantry ", env!("CARGO_PKG_VERSION")),
    })
}

fn shown(device: Device) -> (OwnedDeviceId, DeviceInfo) {
    let connections = device.last_seen.map(|seen| Connection {
        ip: seen.ip,
        last_seen: seen.ts,
        user_agent: seen.user_agent,
    });
    let session = SessionInfo {
        connections: connections.into_iter().collect(),
    };
    let sessions = vec![session];
    (device.device_id, DeviceInfo { sessions })
}
