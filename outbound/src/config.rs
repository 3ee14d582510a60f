//! What an operator can say about requests that leave the server.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The settings of [`Outbound`](crate::Outbound).
#[derive(Debug, Clone)]
pub struct OutboundConfig {
    /// Names that are not looked up by DNS. Their addresses are subject to the denied ranges.
    pub hosts: Vec<HostOverride>,
    /// A PEM file of certificate authorities that are trusted beside the public ones.
    pub extra_ca: Option<PathBuf>,
    /// Private ranges that may be connected to all the same.
    pub allowed_private_ranges: Vec<IpNet>,
    /// The longest that a request may take, connecting and body included.
    pub timeout: Duration,
    /// The largest body of an answer, in bytes, where a request does not say otherwise.
    pub max_response_bytes: usize,
    /// How long all large answers together may be that are in memory, in bytes. More wait.
    pub max_held_bytes: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            extra_ca: None,
            allowed_private_ranges: Vec::new(),
            timeout: Duration::from_mins(1),
            max_response_bytes: 64 * 1024 * 1024,
            max_held_bytes: 256 * 1024 * 1024,
            user_agent: concat!("Gantry/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A name with an address of its own: `name=ip` or `name=ip:port`.
///
/// The port counts where nothing else names one: a server name without a port, a URL without a
/// port. `name` may be a server name with a port, which then is the only one that it fits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostOverride {
    /// The name, in lower case.
    pub name: String,
    /// Where it is.
    pub address: IpAddr,
    /// Which port, if nothing else says.
    pub port: Option<u16>,
}

/// A text that is no [`HostOverride`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected `name=ip` or `name=ip:port`, found {0:?}")]
pub struct HostOverrideError(String);

impl fmt::Display for HostOverride {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => {
                let socket = SocketAddr::new(self.address, port);
                write!(formatter, "{}={socket}", self.name)
            }
            None => write!(formatter, "{}={}", self.name, self.address),
        }
    }
}

impl From<HostOverride> for String {
    fn from(host: HostOverride) -> Self {
        host.to_string()
    }
}

impl TryFrom<String> for HostOverride {
    type Error = HostOverrideError;

    fn try_from(text: String) -> Result<Self, HostOverrideError> {
        text.parse()
    }
}

impl FromStr for HostOverride {
    type Err = HostOverrideError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || HostOverrideError(text.to_owned());
        let (name, address) = text.split_once('=').ok_or_else(fail)?;
        let name = name.trim().to_ascii_lowercase();
        let address = address.trim();
        if name.is_empty() {
            return Err(fail());
        }
        if let Ok(socket) = address.parse::<SocketAddr>() {
            return Ok(Self {
                name,
                address: socket.ip(),
                port: Some(socket.port()),
            });
        }
        let bare = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(address);
        Ok(Self {
            name,
            address: bare.parse().map_err(|_| fail())?,
            port: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_is_a_name_and_an_address_with_or_without_port() {
        let parsed = |text: &str| {
            text.parse::<HostOverride>()
                .map(|host| (host.name, host.address.to_string(), host.port))
        };

        assert_eq!(
            parsed("HS1=127.0.0.1:8448"),
            Ok(("hs1".to_owned(), "127.0.0.1".to_owned(), Some(8448)))
        );
        assert_eq!(
            parsed(" hs1 = 10.0.0.1 "),
            Ok(("hs1".to_owned(), "10.0.0.1".to_owned(), None))
        );
        assert_eq!(
            parsed("hs1:99=[::1]:80"),
            Ok(("hs1:99".to_owned(), "::1".to_owned(), Some(80)))
        );
        assert_eq!(
            parsed("hs1=::1"),
            Ok(("hs1".to_owned(), "::1".to_owned(), None))
        );
        for wrong in ["", "hs1", "=1.2.3.4", "hs1=other", "hs1=1.2.3.4:x"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
