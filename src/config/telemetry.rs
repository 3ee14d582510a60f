//! Section `telemetry`.

use serde::{Deserialize, Serialize};

/// What the server tells about itself.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// What is logged, for example "info" or "info,gantry_web=debug" (each request).
    pub filter: String,
    /// How a line of the log looks: "text" or "json".
    pub format: TelemetryFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TelemetryFormat {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: TelemetryFormat::default(),
        }
    }
}
