//! A server name, taken apart.

use std::net::{IpAddr, Ipv6Addr};

use gantry_model::id::ServerName;

/// The host of a server name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

/// A host and, if the server name has one, a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Target {
    /// Takes a server name apart.
    pub(super) fn of(server: &ServerName) -> Self {
        let text = server.host();
        let ip = match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => text.parse::<IpAddr>().ok(),
        };
        Self {
            host: ip.map_or_else(|| Host::Name(text.to_ascii_lowercase()), Host::Ip),
            port: server.port(),
        }
    }

    /// The host as it stands in a URL: IPv6 in brackets.
    pub(super) fn host_text(&self) -> String {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
            Host::Ip(IpAddr::V4(ip)) => ip.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// The host as it stands in a certificate: IPv6 without brackets.
    pub(super) fn bare_host(&self) -> String {
        match &self.host {
            Host::Ip(ip) => ip.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// The host and the explicit port, as in a `Host` header.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host_text()),
            None => self.host_text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::id::OwnedServerName;
    use proptest::prelude::*;

    use super::*;

    fn target(text: &str) -> Target {
        Target::of(&OwnedServerName::try_from(text).unwrap())
    }

    #[test]
    fn literals_and_names_are_told_apart() {
        assert_eq!(target("1.2.3.4").host, Host::Ip("1.2.3.4".parse().unwrap()));
        assert_eq!(
            target("[2001:DB8::1]:99"),
            Target {
                host: Host::Ip("2001:db8::1".parse().unwrap()),
                port: Some(99)
            }
        );
        assert_eq!(target("[::1]").authority(), "[::1]");
        assert_eq!(target("[::1]:80").authority(), "[::1]:80");
        assert_eq!(target("[::1]:80").bare_host(), "::1");
        assert_eq!(
            target("Example.ORG:8448"),
            Target {
                host: Host::Name("example.org".to_owned()),
                port: Some(8448)
            }
        );
    }

    proptest! {
        #[test]
        fn any_server_name_gives_an_authority_that_means_the_same(
            text in r"([a-zA-Z0-9.-]{1,20}|[0-9.]{1,15}|\[[0-9a-fA-F:]{2,30}\])(:[0-9]{1,6})?"
        ) {
            let Ok(server) = OwnedServerName::try_from(text) else {
                return Ok(());
            };
            let target = Target::of(&server);

            let again = OwnedServerName::try_from(target.authority());

            prop_assert_eq!(again.ok().map(|server| Target::of(&server)), Some(target));
        }

        #[test]
        fn the_host_never_bears_the_port(text in "\\PC{0,40}") {
            if let Ok(server) = OwnedServerName::try_from(text) {
                let target = Target::of(&server);
                let is_ip = matches!(target.host, Host::Ip(_));
                prop_assert!(is_ip || !target.bare_host().contains(':'));
            }
        }
    }
}
