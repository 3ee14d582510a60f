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
    /// Rooms that nobody has asked for in so many seconds leave memory.
    pub room_idle_seconds: u32,
    /// The most rooms that stay in memory beyond the next half minute.
    pub rooms_in_memory: usize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_body_bytes: gantry_web::DEFAULT_MAX_BODY_BYTES,
            room_idle_seconds: 600,
            rooms_in_memory: 5000,
        }
    }
}
