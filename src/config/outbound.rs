//! Section `outbound`.

use std::path::PathBuf;

use gantry_outbound::{HostOverride, OutboundConfig};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Requests that leave the server.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundSection {
    /// Names with an address that is used instead of DNS and of a server's own delegation:
    /// "name=ip" or "name=ip:port". Private addresses must also be in `allowed_private_ranges`.
    pub hosts: Vec<HostOverride>,
    /// A PEM file of certificate authorities that are trusted beside the public ones.
    pub extra_ca: Option<PathBuf>,
    /// Private networks that may be connected to, for example "10.0.0.0/8". All others are denied,
    /// so that nobody can make this server ask its neighbors.
    pub allowed_private_ranges: Vec<IpNet>,
}

impl OutboundSection {
    /// The settings of the client.
    pub fn to_client_config(&self) -> OutboundConfig {
        OutboundConfig {
            hosts: self.hosts.clone(),
            extra_ca: self.extra_ca.clone(),
            allowed_private_ranges: self.allowed_private_ranges.clone(),
            ..OutboundConfig::default()
        }
    }
}
