//! Section `federation`.

use gantry_model::id::OwnedServerName;
use serde::{Deserialize, Serialize};

/// Other Matrix servers.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FederationConfig {
    /// Whether this server talks to others at all.
    pub enabled: bool,
    /// How long to wait before a server that did not answer is tried again, in milliseconds. The
    /// wait doubles with each failure.
    pub retry_min_ms: u64,
    /// The longest such wait, in milliseconds.
    pub retry_max_ms: u64,
    /// Servers that are believed about the signing keys of servers that cannot be reached
    /// themselves. Whoever is named here can forge such keys.
    pub notaries: Vec<OwnedServerName>,
    /// The servers that are talked to, in both directions, as names with `*` and `?`, with or
    /// without a port; empty: all. Events of other servers may still come by way of these.
    pub allow: Vec<String>,
    /// The servers that are not talked to, in the same form.
    pub deny: Vec<String>,
    /// Identity servers that are asked when somebody is invited by an e-mail address. They learn
    /// who is invited where, and their word is what such an invite counts on.
    pub identity_servers: Vec<OwnedServerName>,
}

impl Default for FederationConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            retry_min_ms: 2_000,
            retry_max_ms: 3_600_000,
            notaries: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            identity_servers: Vec::new(),
        }
    }
}
