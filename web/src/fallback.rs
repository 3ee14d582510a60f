//! What is answered where no handler is.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#common-error-codes>,
//! `M_UNRECOGNIZED`.

use axum::response::{IntoResponse, Response};
use gantry_model::ErrorKind;
use http::StatusCode;

use crate::error::matrix_error;

/// 404: nothing is served at this path.
pub async fn unknown_path() -> Response {
    matrix_error(&ErrorKind::Unrecognized, "Unrecognized request")
}

/// 405: something is served at this path, but not by this method.
pub async fn method_not_allowed() -> Response {
    let mut response =
        matrix_error(&ErrorKind::Unrecognized, "Unrecognized method").into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
