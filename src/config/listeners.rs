//! Section `listeners`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListenersConfig {
    /// Addresses with ports that serve everything without TLS, for this machine or for a reverse
    /// proxy.
    pub plain: Vec<SocketAddr>,
    /// Addresses with ports that serve everything with TLS. With a certificate and without
    /// addresses, `[::]:8448`.
    pub tls: Vec<SocketAddr>,
    /// An address with port that serves `/metrics` and nothing else.
    pub metrics: Option<SocketAddr>,
    /// The PEM file of the certificate and its chain. Read again on SIGHUP.
    pub tls_certificate: Option<PathBuf>,
    /// The PEM file of the certificate's private key. Read again on SIGHUP.
    pub tls_private_key: Option<PathBuf>,
    /// Networks of reverse proxies. What they say of the client's address is believed.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for ListenersConfig {
    fn default() -> Self {
        Self {
            plain: vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 8008)],
            tls: Vec::new(),
            metrics: None,
            tls_certificate: None,
            tls_private_key: None,
            trusted_proxies: Vec::new(),
        }
    }
}

impl ListenersConfig {
    /// Where the TLS listener is when only a certificate is given.
    pub(super) const DEFAULT_TLS: SocketAddr =
        SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8448);

    /// Whether only this machine can reach the plain and the TLS listeners.
    pub fn is_loopback_only(&self) -> bool {
        let mut all = self.plain.iter().chain(&self.tls);
        all.all(|address| address.ip().to_canonical().is_loopback())
    }
}
