//! `POST /_matrix/client/v3/register`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register>.

use axum::{Json, extract::State};
use gantry_homeserver::{AccountKind, AuthData, RegisterRequest};
use gantry_model::id::OwnedDeviceId;
use serde::Deserialize;

use super::RegisteredBody;
use crate::{
    ClientApiState,
    error::Result,
    extract::{JsonBody, QueryArgs},
    uia::done,
};

/// Which kind of account.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    User,
    Guest,
}

/// What the account shall be.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    username: Option<String>,
    password: Option<String>,
    device_id: Option<OwnedDeviceId>,
    initial_device_display_name: Option<String>,
    #[serde(default)]
    inhibit_login: bool,
    auth: Option<AuthData>,
}

/// Makes an account, once the client has gone through a flow; open registration also takes
/// `m.login.dummy` without a session.
pub(crate) async fn register(
    State(state): State<ClientApiState>,
    QueryArgs(query): QueryArgs<Query>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<RegisteredBody>> {
    let request = RegisterRequest {
        username: body.username,
        password: body.password,
        device_id: body.device_id,
        initial_device_display_name: body.initial_device_display_name,
        inhibit_login: body.inhibit_login,
        kind: match query.kind {
            Kind::User => AccountKind::User,
            Kind::Guest => AccountKind::Guest,
        },
        auth: body.auth,
    };
    let registered = done(state.homeserver().sessions.register(request).await?)?;
    Ok(Json(registered.into()))
}
