//! The log and the metrics of the process.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, util::TryInitError};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{TelemetryConfig, TelemetryFormat};

/// Upper bounds of histograms, in seconds.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// Why there is no log or there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `telemetry.filter` is not one.
    #[error("telemetry.filter cannot be used")]
    Filter(#[source] ParseError),
    /// The process has a log already.
    #[error("the log cannot be set up")]
    Log(#[source] TryInitError),
    /// The process has metrics already.
    #[error("the metrics cannot be set up")]
    Metrics(#[source] BuildError),
}

/// Logs to the standard error. Once per process.
pub fn start_log(config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(TelemetryError::Filter)?;
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        TelemetryFormat::Text => registry.with(lines).try_init(),
        TelemetryFormat::Json => registry.with(lines.json()).try_init(),
    }
    .map_err(TelemetryError::Log)
}

/// Collects the metrics of the process. Once per process; the handle goes to
/// [`Deps`](crate::Deps).
pub fn start_metrics() -> Result<PrometheusHandle, TelemetryError> {
    PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(TelemetryError::Metrics)
}
