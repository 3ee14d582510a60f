//! Whose OpenID token somebody was shown.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo>.

use std::collections::HashMap;

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use gantry_model::ErrorKind;
use gantry_web::matrix_error;

use super::reply;
use crate::{Federation, Result};

/// `GET /_matrix/federation/v1/openid/userinfo`: anybody who was shown the token may ask.
pub(super) async fn request_openid_user_info(
    State(federation): State<Federation>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response> {
    let Some(token) = parameters.get("access_token") else {
        let kind = ErrorKind::MissingToken;
        return Ok(matrix_error(&kind, "access_token is missing"));
    };
    Ok(match federation.accounts().openid_user(token).await? {
        Some(user) => reply([("sub", user.as_str().into())]).into_response(),
        None => {
            let kind = ErrorKind::UnknownToken { soft_logout: false };
            matrix_error(&kind, "Access token unknown or expired")
        }
    })
}
