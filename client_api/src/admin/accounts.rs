//! `/_synapse/admin/v1`: acts on one account:
//! <https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html>.

use axum::{Json, extract::State};
use gantry_homeserver::Device;
use gantry_model::id::{OwnedDeviceId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// What becomes of the user's events.
#[derive(Debug, Deserialize)]
pub(crate) struct DeactivateBody {
    #[serde(default)]
    erase: bool,
}

/// What the identity server said, which there is none.
#[derive(Debug, Serialize)]
pub(crate) struct Unbound {
    id_server_unbind_result: &'static str,
}

/// The new password.
#[derive(Deserialize)]
pub(crate) struct PasswordBody {
    new_password: String,
    #[serde(default = "yes")]
    logout_devices: bool,
}

fn yes() -> bool {
    true
}

/// Whether a user administers the server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdminFlag {
    admin: bool,
}

/// Whether a user shall be suspended.
#[derive(Debug, Deserialize)]
pub(crate) struct SuspendBody {
    suspend: bool,
}

/// The rooms of a user.
#[derive(Debug, Serialize)]
pub(crate) struct JoinedRooms {
    joined_rooms: Vec<OwnedRoomId>,
    total: usize,
}

/// The devices of a user.
#[derive(Debug, Serialize)]
pub(crate) struct Devices {
    devices: Vec<DeviceBody>,
    total: usize,
}

#[derive(Debug, Serialize)]
struct DeviceBody {
    device_id: OwnedDeviceId,
    display_name: Option<String>,
    last_seen_ip: Option<String>,
    last_seen_ts: Option<i64>,
    last_seen_user_agent: Option<String>,
    user_id: OwnedUserId,
}

/// Which devices go.
#[derive(Debug, Deserialize)]
pub(crate) struct DevicesBody {
    devices: Vec<OwnedDeviceId>,
}

/// Ends an account.
pub(crate) async fn deactivate(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<DeactivateBody>,
) -> Result<Json<Unbound>> {
    let administration = &state.homeserver().administration;
    administration
        .deactivate(&session, &user, body.erase)
        .await?;
    Ok(Json(Unbound {
        id_server_unbind_result: "success",
    }))
}

/// Sets another password.
pub(crate) async fn reset_password(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<PasswordBody>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .reset_password(&session, &user, &body.new_password, body.logout_devices)
        .await?;
    Ok(Json(Done {}))
}

/// Whether a user administers the server.
pub(crate) async fn get_user_admin(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<AdminFlag>> {
    let administration = &state.homeserver().administration;
    let (account, _) = administration.user(&session, &user).await?;
    Ok(Json(AdminFlag {
        admin: account.admin,
    }))
}

/// Makes a user an administrator, or no longer.
pub(crate) async fn set_user_admin(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<AdminFlag>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .set_admin(&session, &user, body.admin)
        .await?;
    Ok(Json(Done {}))
}

/// Suspends a user, or no longer.
pub(crate) async fn suspend(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<SuspendBody>,
) -> Result<Json<std::collections::BTreeMap<String, bool>>> {
    let administration = &state.homeserver().administration;
    administration
        .set_suspended(&session, &user, body.suspend)
        .await?;
    let key = format!("user_{user}_suspended");
    Ok(Json([(key, body.suspend)].into()))
}

/// The rooms that a user is in.
pub(crate) async fn get_user_joined_rooms(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<JoinedRooms>> {
    let administration = &state.homeserver().administration;
    let joined_rooms = administration.joined_rooms(&session, &user).await?;
    Ok(Json(JoinedRooms {
        total: joined_rooms.len(),
        joined_rooms,
    }))
}

/// The devices of a user.
pub(crate) async fn get_devices(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
) -> Result<Json<Devices>> {
    let administration = &state.homeserver().administration;
    let devices = administration.whois(&session, &user).await?;
    let shown = |device: Device| {
        let seen = device.last_seen;
        DeviceBody {
            device_id: device.device_id,
            display_name: device.display_name,
            last_seen_ip: seen.as_ref().map(|seen| seen.ip.clone()),
            last_seen_ts: seen.as_ref().map(|seen| seen.ts),
            last_seen_user_agent: seen.and_then(|seen| seen.user_agent),
            user_id: user.clone(),
        }
    };
    let devices: Vec<_> = devices.into_iter().map(shown).collect();
    Ok(Json(Devices {
        total: devices.len(),
        devices,
    }))
}

/// Ends devices of a user.
pub(crate) async fn delete_devices(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(body): JsonBody<DevicesBody>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .delete_devices(&session, &user, &body.devices)
        .await?;
    Ok(Json(Done {}))
}
