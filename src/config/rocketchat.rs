//! Section `rocketchat`.

use serde::{Deserialize, Serialize};

/// Rocket.Chat clients.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RocketChatConfig {
    /// Whether Rocket.Chat clients are served.
    pub enabled: bool,
    /// The version of Rocket.Chat that clients are told.
    pub version: String,
    /// The version of rooms that Rocket.Chat clients create.
    pub default_room_version: String,
}

impl Default for RocketChatConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            version: "8.5.0".to_owned(),
            default_room_version: "11".to_owned(),
        }
    }
}
