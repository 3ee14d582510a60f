//! `POST /_matrix/client/v3/login`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login>.
//!
//! The body is our own type: it takes the old field `user`, which clients still send, and a missing
//! `type` is an error like any other.

use axum::{Json, extract::State};
use gantry_homeserver::{LoggedIn, Login, LoginName, LoginProof, LoginSecret, UserIdentifier};
use gantry_model::{
    ErrorKind,
    id::{OwnedDeviceId, OwnedServerName, OwnedUserId},
};
use gantry_web::AccessToken;
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
    medium: Option<String>,
    address: Option<String>,
    password: Option<String>,
    token: Option<String>,
    #[serde(default)]
    refresh_token: bool,
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
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    well_known: Option<crate::discovery::ClientWellKnown>,
}

/// Begins a session.
pub(crate) async fn login(
    State(state): State<ClientApiState>,
    AccessToken(token): AccessToken,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let homeserver = state.homeserver();
    let session = homeserver.sessions.login(body.into_login(token)?).await?;
    let base_url = homeserver.config().well_known.client_base_url.clone();
    Ok(Json(Response::new(session, base_url)))
}

impl Body {
    fn into_login(self, token: Option<String>) -> Result<Login> {
        let proof = match self.kind.as_deref() {
            Some("m.login.password") => LoginProof::Password {
                name: self.name()?,
                secret: LoginSecret::Plain(self.password.ok_or(Error::MissingParam("password"))?),
            },
            Some("m.login.token") => {
                LoginProof::Token(self.token.ok_or(Error::MissingParam("token"))?)
            }
            Some("m.login.application_service") => LoginProof::Appservice {
                token: token.ok_or(Error::Refused {
                    kind: ErrorKind::MissingToken,
                    reason: "Missing the token of the application service",
                })?,
                user: match &self.identifier {
                    Some(identifier) => identifier.user().map(str::to_owned),
                    None => self.user,
                },
            },
            Some(_) => return Err(Error::unknown_login_type()),
            None => return Err(Error::MissingParam("type")),
        };
        Ok(Login {
            proof,
            device_id: self.device_id,
            initial_device_display_name: self.initial_device_display_name,
            refresh: self.refresh_token,
        })
    }

    /// Who it is, in the present form or one of the two old ones.
    fn name(&self) -> Result<LoginName> {
        let threepid = |medium: &str, address: &str| LoginName::Threepid {
            medium: medium.to_owned(),
            address: address.to_owned(),
        };
        if let Some(identifier) = &self.identifier {
            return match (identifier.user(), identifier.threepid()) {
                (Some(user), _) => Ok(LoginName::User(user.to_owned())),
                (None, Some((medium, address))) => Ok(threepid(medium, address)),
                (None, None) => Err(Error::unknown_login_type()),
            };
        }
        match (&self.user, &self.medium, &self.address) {
            (Some(user), _, _) => Ok(LoginName::User(user.clone())),
            (None, Some(medium), Some(address)) => Ok(threepid(medium, address)),
            _ => Err(Error::MissingParam("identifier")),
        }
    }
}

impl Response {
    fn new(session: LoggedIn, base_url: Option<String>) -> Self {
        let (refresh_token, expires_in_ms) = session
            .refresh
            .map(|refresh| (refresh.token, refresh.expires_in_ms))
            .unzip();
        Self {
            home_server: session.user_id.server_name().to_owned(),
            user_id: session.user_id,
            access_token: session.access_token,
            device_id: session.device_id,
            refresh_token,
            expires_in_ms,
            well_known: base_url.map(crate::discovery::ClientWellKnown::new),
        }
    }
}
