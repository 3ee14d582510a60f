//! Section `limits`.

use serde::{Deserialize, Serialize};

/// Limits.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether requests are limited in their rate.
    pub enabled: bool,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_body_bytes: gantry_web::DEFAULT_MAX_BODY_BYTES,
        }
    }
}
