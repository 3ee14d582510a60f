//! The names that the operator gave an address.

use std::{collections::HashMap, net::IpAddr};

use crate::config::HostOverride;

/// The overrides by name, in lower case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts(HashMap<String, (IpAddr, Option<u16>)>);

impl Hosts {
    /// The later of two overrides of one name counts.
    pub(crate) fn new(overrides: &[HostOverride]) -> Self {
        let entries = overrides
            .iter()
            .map(|host| (host.name.to_ascii_lowercase(), (host.address, host.port)));
        Self(entries.collect())
    }

    /// The address of a name (or of a name with its port), and the port that goes with it.
    pub(crate) fn find(&self, name: &str) -> Option<(IpAddr, Option<u16>)> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&name.to_ascii_lowercase()).copied()
    }
}
