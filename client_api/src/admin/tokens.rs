//! `/_synapse/admin/v1/registration_tokens`:
//! <https://element-hq.github.io/synapse/latest/usage/administration/admin_api/registration_tokens.html>.

use axum::{Json, extract::State};
use gantry_homeserver::RegistrationToken;
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, PathArgs},
    reply::Done,
};

/// All tokens.
#[derive(Debug, Serialize)]
pub(crate) struct Tokens {
    registration_tokens: Vec<TokenBody>,
}

/// A token.
#[derive(Debug, Serialize)]
pub(crate) struct TokenBody {
    token: String,
    uses_allowed: Option<i64>,
    /// A use is counted when the account is made, so none is ever pending.
    pending: i64,
    completed: i64,
    expiry_time: Option<i64>,
}

/// What the token shall be.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    token: Option<String>,
    uses_allowed: Option<i64>,
    expiry_time: Option<i64>,
}

impl From<RegistrationToken> for TokenBody {
    fn from(token: RegistrationToken) -> Self {
        Self {
            token: token.token,
            uses_allowed: token.uses_allowed,
            pending: 0,
            completed: token.used,
            expiry_time: token.expires_ts,
        }
    }
}

/// Lists the tokens.
pub(crate) async fn get_registration_tokens(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<Json<Tokens>> {
    let administration = &state.homeserver().administration;
    let tokens = administration.registration_tokens(&session).await?;
    Ok(Json(Tokens {
        registration_tokens: tokens.into_iter().map(TokenBody::from).collect(),
    }))
}

/// Makes a token.
pub(crate) async fn create_registration_token(
    State(state): State<ClientApiState>,
    Session(session): Session,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<TokenBody>> {
    let administration = &state.homeserver().administration;
    let token = administration
        .create_registration_token(&session, body.token, body.uses_allowed, body.expiry_time)
        .await?;
    Ok(Json(token.into()))
}

/// Deletes a token.
pub(crate) async fn delete_registration_token(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(token): PathArgs<String>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration
        .delete_registration_token(&session, &token)
        .await?;
    Ok(Json(Done {}))
}
