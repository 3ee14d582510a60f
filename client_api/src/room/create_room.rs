//! `POST /_matrix/client/v3/createRoom`:
//! <https://spec.matrix.org/v1.19/client-server-api/#creation>.
//!
//! The body is our own type: what it holds of event contents goes into events as it came.

use axum::{Json, extract::State};
use gantry_homeserver::{AddressAt, CreateRoom, InitialState, Preset, Visibility};
use gantry_model::{Object, id::OwnedUserId};
use serde::Deserialize;

use crate::{
    ClientApiState, auth::Session, error::Result, extract::JsonBody, membership::AddressBody,
    reply::InRoom,
};

/// What the room shall be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    preset: Option<PresetName>,
    visibility: Option<VisibilityName>,
    room_version: Option<String>,
    creation_content: Option<Object>,
    power_level_content_override: Option<Object>,
    initial_state: Vec<StateBody>,
    name: Option<String>,
    topic: Option<String>,
    room_alias_name: Option<String>,
    invite: Vec<OwnedUserId>,
    invite_3pid: Vec<AddressBody>,
    is_direct: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the specification's names")]
enum PresetName {
    PrivateChat,
    PublicChat,
    TrustedPrivateChat,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VisibilityName {
    Public,
    Private,
}

#[derive(Debug, Deserialize)]
struct StateBody {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    state_key: String,
    content: Object,
}

/// Makes a room.
pub(crate) async fn create_room(
    State(state): State<ClientApiState>,
    Session(session): Session,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<InRoom>> {
    let room_id = state
        .homeserver()
        .creation
        .create_room(&session, body.into())
        .await?;
    Ok(Json(InRoom { room_id }))
}

impl From<Body> for CreateRoom {
    fn from(body: Body) -> Self {
        Self {
            preset: body.preset.map(Preset::from),
            visibility: body.visibility.map(Visibility::from).unwrap_or_default(),
            room_version: body.room_version,
            creation_content: body.creation_content.unwrap_or_default(),
            power_level_content_override: body.power_level_content_override,
            initial_state: body
                .initial_state
                .into_iter()
                .map(InitialState::from)
                .collect(),
            name: body.name,
            topic: body.topic,
            alias_localpart: body.room_alias_name,
            invite: body.invite,
            invite_by_address: body.invite_3pid.into_iter().map(AddressAt::from).collect(),
            is_direct: body.is_direct,
        }
    }
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::PrivateChat => Self::PrivateChat,
            PresetName::PublicChat => Self::PublicChat,
            PresetName::TrustedPrivateChat => Self::TrustedPrivateChat,
        }
    }
}

impl From<VisibilityName> for Visibility {
    fn from(name: VisibilityName) -> Self {
        match name {
            VisibilityName::Public => Self::Public,
            VisibilityName::Private => Self::Private,
        }
    }
}

impl From<StateBody> for InitialState {
    fn from(state: StateBody) -> Self {
        Self {
            kind: state.kind,
            state_key: state.state_key,
            content: state.content,
        }
    }
}
