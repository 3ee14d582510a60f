//! `POST /_matrix/client/v3/register`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register>.

use axum::{Json, extract::State};
use gantry_homeserver::{AccountKind, RegisterRequest};
use gantry_model::{ErrorKind, id::OwnedDeviceId};
use gantry_web::AccessToken;
use serde::Deserialize;

use super::RegisteredBody;
use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::{QueryArgs, UiaBody},
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
    #[serde(default)]
    refresh_token: bool,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Makes an account, once the client has gone through a flow; open registration also takes
/// `m.login.dummy` without a session.
pub(crate) async fn register(
    State(state): State<ClientApiState>,
    QueryArgs(query): QueryArgs<Query>,
    AccessToken(token): AccessToken,
    UiaBody { body, auth }: UiaBody<Body>,
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
        refresh: body.refresh_token,
        auth,
    };
    let sessions = &state.homeserver().sessions;
    if body.kind.as_deref() == Some("m.login.application_service") {
        let token = token.ok_or(Error::Refused {
            kind: ErrorKind::MissingToken,
            reason: "Missing the token of the application service",
        })?;
        let registered = sessions.register_for_appservice(&token, request).await?;
        return Ok(Json(registered.into()));
    }
    let registered = done(sessions.register(request).await?)?;
    Ok(Json(registered.into()))
}
