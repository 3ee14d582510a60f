//! Requests from web pages of other origins.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients>.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS");
/// Those of Matrix, and those that Rocket.Chat's clients send.
const HEADERS: HeaderValue = HeaderValue::from_static(
    "X-Requested-With, Content-Type, Authorization, \
     X-Auth-Token, X-User-Id, X-2fa-code, X-2fa-method",
);

/// Answers every preflight, and lets every origin read every answer.
pub(crate) async fn allow_every_origin(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    allow(response.headers_mut());
    response
}

fn allow(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
}
