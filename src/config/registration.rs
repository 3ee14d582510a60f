//! Section `registration`.

use serde::{Deserialize, Serialize};

use super::Secret;

/// New accounts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anybody may register. Without it: yes if only this machine can reach the server,
    /// otherwise no.
    pub open: Option<bool>,
    /// A secret by which tools may register users although registration is closed.
    pub shared_secret: Option<Secret>,
    /// Whether guests may register.
    pub guests: bool,
}

impl RegistrationConfig {
    /// Whether anybody may register. Loading a configuration decides what was left open.
    pub fn is_open(&self) -> bool {
        self.open.unwrap_or(false)
    }
}
