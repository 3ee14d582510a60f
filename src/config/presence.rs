//! Section `presence`.

use serde::{Deserialize, Serialize};

/// Presence: who is there. It is not sent to other servers.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresenceConfig {
    /// Whether users who share a room see who of them is there.
    pub enabled: bool,
}

impl Default for PresenceConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}
