//! `/metrics`, on a listener of its own.

use std::time::Duration;

use axum::{Router, extract::State, routing::get};
use http::header;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::workers::Workers;

/// How often samples are folded into their histograms, so that they do not pile up unread.
const UPKEEP: Duration = Duration::from_secs(5);

/// The router of the metrics listener.
pub(crate) fn router(metrics: PrometheusHandle) -> Router {
    Router::new()
        .route("/metrics", get(render))
        .with_state(metrics)
}

async fn render(
    State(metrics): State<PrometheusHandle>,
) -> ([(header::HeaderName, &'static str); 1], String) {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], metrics.render())
}

/// Runs until the server stops.
pub(crate) async fn keep_up(metrics: PrometheusHandle, workers: Workers) {
    let mut ticks = tokio::time::interval(UPKEEP);
    while workers
        .shutdown
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        metrics.run_upkeep();
    }
}
