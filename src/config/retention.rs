//! Section `retention`.

use serde::{Deserialize, Serialize};

/// How long messages are kept.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Whether old messages are taken away: those that a room's `m.room.retention` or the keys
    /// below do not keep. State is always kept.
    pub enabled: bool,
    /// Days for which messages of rooms without a wish are kept. Without it: forever.
    pub default_days: Option<u32>,
    /// No room keeps its messages for fewer days.
    pub min_days: u32,
    /// No room keeps its messages for more days. Without it: as long as it wants.
    pub max_days: Option<u32>,
    /// How often it is looked for old messages, in minutes.
    pub interval_minutes: u32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            default_days: None,
            min_days: 1,
            max_days: None,
            interval_minutes: 60,
        }
    }
}
