//! What every request passes through, whatever the surface.

use std::any::Any;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use gantry_model::{ErrorKind, Rng};
use ipnet::IpNet;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    body::BodyLimit,
    client_address::{TrustedProxies, find_client_address},
    cors::allow_every_origin,
    error::{Rejection, matrix_error},
    fallback::{method_not_allowed, unknown_path},
    request_id::{RequestIds, name_request},
    request_log::log_request,
};

/// The settings of [`edge`].
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The networks whose `Forwarded` or `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
}

/// Wraps a router that has all its routes. From the outside in: request id, client address, log,
/// panics, CORS, size of the body, compression, the routes, and what is answered where none is.
///
/// Whoever serves the router tells the peer's address by an `axum::extract::ConnectInfo`.
pub fn edge(router: Router, config: EdgeConfig, rng: &dyn Rng) -> Router {
    let limit = BodyLimit(config.max_body_bytes);
    let trusted: TrustedProxies = config.trusted_proxies.into();
    let ids = RequestIds::starting_at(rng.next_u64());
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CompressionLayer::new())
        .layer(DefaultBodyLimit::max(limit.0))
        .layer(middleware::from_fn_with_state(limit, limit_body))
        .layer(middleware::from_fn(allow_every_origin))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(middleware::from_fn(log_request))
        .layer(middleware::from_fn_with_state(trusted, find_client_address))
        .layer(middleware::from_fn_with_state(ids, name_request))
}

async fn limit_body(State(limit): State<BodyLimit>, mut request: Request, next: Next) -> Response {
    if limit.is_exceeded_by(request.headers()) {
        return Rejection::too_large().into_response();
    }
    request.extensions_mut().insert(limit);
    next.run(request).await
}

fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    matrix_error(&ErrorKind::Internal, "Internal server error")
}

#[cfg(test)]
mod tests;
