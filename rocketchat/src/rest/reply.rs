//! Answers: what they have in common.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::map::to_text;

/// The answer of a call that succeeded: a document, with `success: true` and dates as text.
#[derive(Clone, Debug)]
pub(crate) struct Reply<T>(pub(crate) T);

/// The answer of a call that has nothing to tell.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Done {}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        let mut body = match serde_json::to_value(self.0) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                return Error::plain("Internal server error").into_response();
            }
        };
        to_text(&mut body);
        if let Value::Object(members) = &mut body {
            members.insert("success".to_owned(), true.into());
        }
        json(StatusCode::OK, body.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self.body()).unwrap_or_default();
        json(self.status, body)
    }
}

/// Clients compare the content type with exactly this.
pub(crate) fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
