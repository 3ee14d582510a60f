//! `POST /_matrix/client/v3/login`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login>.
//!
//! The body is our own type: it takes the old field `user`, which clients still send, and a missing
//! `type` is an error like any other.

use axum::{Json, extract::State};
use gantry_homeserver::{LoggedIn, LoginRequest, LoginSecret, UserIdentifier};
use gantry_model::id::{OwnedDeviceId, OwnedServerName, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::JsonBody,
};

/// Who wants to log in, and how.
#[derive(Deserialize)]
pub(crate) struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    identifier: Option<UserIdentifier>,
    user: Option<String>,
    password: Option<String>,
    device_id: Option<OwnedDeviceId>,
    initial_device_display_name: Option<String>,
}

/// The new session.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    user_id: OwnedUserId,
    access_token: String,
    device_id: OwnedDeviceId,
    home_server: OwnedServerName,
    #[serde(skip_serializing_if = "Option::is_none")]
    well_known: Option<crate::discovery::ClientWellKnown>,
}

/// Begins a session.
pub(crate) async fn login(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let session = state
        .homeserver()
        .sessions
        .login_password(body.into_request()?)
        .await?;
    let base_url = state
        .homeserver()
        .config()
        .well_known
        .client_base_url
        .clone();
    Ok(Json(Response::new(session, base_url)))
}

impl Body {
    fn into_request(self) -> Result<LoginRequest> {
        match self.kind.as_deref() {
            Some("m.login.password") => {}
            Some(_) => return Err(Error::unknown_login_type()),
            None => return Err(Error::MissingParam("type")),
        }
        let user = match &self.identifier {
            Some(identifier) => identifier
                .user()
                .ok_or_else(Error::unknown_login_type)?
                .to_owned(),
            None => self.user.ok_or(Error::MissingParam("identifier"))?,
        };
        Ok(LoginRequest {
            user,
            secret: LoginSecret::Plain(self.password.ok_or(Error::MissingParam("password"))?),
            device_id: self.device_id,
            initial_device_display_name: self.initial_device_display_name,
        })
    }
}

impl Response {
    fn new(session: LoggedIn, base_url: Option<String>) -> Self {
        Self {
            home_server: session.user_id.server_name().to_owned(),
            user_id: session.user_id,
            access_token: session.access_token,
            device_id: session.device_id,
            well_known: base_url.map(crate::discovery::ClientWellKnown::new),
        }
    }
}
