//! One line and one measurement per request. Neither bears the path as sent nor the query: they may
//! contain tokens.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{client_address::ClientAddress, request_id::RequestId};

pub(crate) async fn log_request(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("(unknown)", MatchedPath::as_str);
    let method = request.method().clone();
    let address = ClientAddress::of(request.extensions());
    let span = match request.extensions().get::<RequestId>() {
        Some(id) => tracing::info_span!("request", id = %id),
        None => tracing::Span::none(),
    };
    let started = Instant::now();

    let response = next.run(request).instrument(span.clone()).await;

    let status = response.status();
    let elapsed = started.elapsed();
    let ms = elapsed.as_millis() as u64;
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(%method, path, status = status.as_u16(), ms, client = %address, "failed");
    } else {
        tracing::debug!(%method, path, status = status.as_u16(), ms, client = %address, "answered");
    }
    metrics::histogram!(
        "gantry_http_request_seconds",
        "method" => method_label(&method),
        "path" => path.to_owned(),
        "status" => status.as_str().to_owned(),
    )
    .record(elapsed.as_secs_f64());
    response
}

/// A bounded set, whatever methods are invented.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
