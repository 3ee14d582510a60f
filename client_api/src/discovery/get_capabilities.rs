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
    profile_fields: Switch,
    #[serde(rename = "m.3pid_changes")]
    third_party_id_changes: Switch,
    #[serde(rename = "m.get_login_token")]
    get_login_token: Switch,
    #[serde(
        rename = "m.account_moderation",
        skip_serializing_if = "Option::is_none"
    )]
    account_moderation: Option<AccountModeration>,
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
struct AccountModeration {
    suspend: bool,
    lock: bool,
}

const ON: Switch = Switch { enabled: true };

/// Tells what the user's account can do.
pub(crate) async fn get_capabilities(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Json<Response> {
    let available = RoomVersion::ALL
        .iter()
        .filter(|version| version.rules().state_resolution != StateResolution::V1)
        .map(|version| {
            let is_unstable = version.rules().unstable;
            let stability = if is_unstable { "unstable" } else { "stable" };
            (version.to_string(), stability)
        });
    Json(Response {
        capabilities: Capabilities {
            room_versions: RoomVersions {
                default: state.homeserver().config().default_room_version.to_string(),
                available: available.collect(),
            },
            change_password: ON,
            set_displayname: ON,
            set_avatar_url: ON,
            profile_fields: ON,
            third_party_id_changes: Switch {
                enabled: state.homeserver().has_mail(),
            },
            get_login_token: Switch {
                enabled: !session.guest,
            },
            account_moderation: session.admin.then_some(AccountModeration {
                suspend: true,
                lock: true,
            }),
        },
    })
}
