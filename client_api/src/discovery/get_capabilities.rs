//! `GET /_matrix/client/v3/capabilities`:
//! <https://spec.matrix.org/v1.19/client-server-api/#capabilities-negotiation>.
//!
//! The answer is our own type, because ruma leaves out what equals the defaults, and clients ask
//! for it all the same.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_model::room_version::{RoomVersion, StateResolution};
use serde::Serialize;

use crate::{ClientApiState, auth::Session};

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    capabilities: Capabilities,
}

#[derive(Debug, Serialize)]
struct Capabilities {
    #[serde(rename = "m.room_versions")]
    room_versions: RoomVersions,
    #[serde(rename = "m.change_password")]
    change_password: Switch,
    #[serde(rename = "m.set_displayname")]
    set_displayname: Switch,
    #[serde(rename = "m.set_avatar_url")]
    set_avatar_url: Switch,
    #[serde(rename = "m.profile_fields")]
    profile_fields: ProfileFields,
    #[serde(rename = "m.3pid_changes")]
    third_party_id_changes: Switch,
    #[serde(rename = "m.get_login_token")]
    get_login_token: Switch,
}

#[derive(Debug, Serialize)]
struct RoomVersions {
    default: String,
    available: BTreeMap<String, &'static str>,
}

#[derive(Debug, Serialize)]
struct Switch {
    enabled: bool,
}

#[derive(Debug, Serialize)]
struct ProfileFields {
    enabled: bool,
    allowed: &'static [&'static str],
}

/// The fields of a profile that its owner can set.
const SETTABLE_FIELDS: &[&str] = &["displayname", "avatar_url"];
const ON: Switch = Switch { enabled: true };
const OFF: Switch = Switch { enabled: false };

/// Tells what the user's account can do.
pub(crate) async fn get_capabilities(
    State(state): State<ClientApiState>,
    Session(_): Session,
) -> Json<Response> {
    let available = RoomVersion::ALL
        .iter()
        .filter(|version| version.rules().state_resolution != StateResolution::V1)
        .map(|version| (version.to_string(), "stable"));
    Json(Response {
        capabilities: Capabilities {
            room_versions: RoomVersions {
                default: state.homeserver().config().default_room_version.to_string(),
                available: available.collect(),
            },
            change_password: ON,
            set_displayname: ON,
            set_avatar_url: ON,
            profile_fields: ProfileFields {
                enabled: true,
                allowed: SETTABLE_FIELDS,
            },
            third_party_id_changes: OFF,
            get_login_token: OFF,
        },
    })
}
