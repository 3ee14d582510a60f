//! `GET` and `POST /_synapse/admin/v1/register`: accounts for whoever knows the operator's secret.
//!
//! The paths and the proof are those of Synapse's
//! <https://element-hq.github.io/synapse/latest/admin_api/register_api.html>, because provisioning
//! tools and conformance tests speak them.

use axum::{Json, extract::State};
use gantry_homeserver::SharedSecretRequest;
use serde::{Deserialize, Serialize};

use super::RegisteredBody;
use crate::{ClientApiState, error::Result, extract::JsonBody};

/// A number that serves once.
#[derive(Debug, Serialize)]
pub(crate) struct Nonce {
    nonce: String,
}

/// The account, and the proof that the caller knows the secret.
#[derive(Deserialize)]
pub(crate) struct Body {
    nonce: String,
    username: String,
    password: String,
    mac: String,
    #[serde(default)]
    admin: bool,
    user_type: Option<String>,
    displayname: Option<String>,
    #[serde(default)]
    inhibit_login: bool,
}

/// Gives out a nonce.
pub(crate) async fn get_nonce(State(state): State<ClientApiState>) -> Result<Json<Nonce>> {
    Ok(Json(Nonce {
        nonce: state.homeserver().sessions.shared_secret_nonce()?,
    }))
}

/// Makes the account.
pub(crate) async fn register_with_shared_secret(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<RegisteredBody>> {
    let request = SharedSecretRequest {
        nonce: body.nonce,
        username: body.username,
        password: body.password,
        admin: body.admin,
        user_type: body.user_type,
        mac: body.mac,
        display_name: body.displayname,
        inhibit_login: body.inhibit_login,
    };
    let registered = state
        .homeserver()
        .sessions
        .register_with_shared_secret(request)
        .await?;
    Ok(Json(registered.into()))
}
