//! `GET /_matrix/client/v1/register/m.login.registration_token/validity`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity>.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::QueryArgs,
};

/// The token in question.
#[derive(Deserialize)]
pub(crate) struct Query {
    token: Option<String>,
}

/// Whether it is valid.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    valid: bool,
}

/// Whether somebody could register with a token now.
pub(crate) async fn registration_token_validity(
    State(state): State<ClientApiState>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let token = query.token.ok_or(Error::MissingParam("token"))?;
    let sessions = &state.homeserver().sessions;
    let valid = sessions.registration_token_valid(&token).await?;
    Ok(Json(Response { valid }))
}
