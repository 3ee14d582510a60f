//! Where a Matrix server is.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#server-discovery>.

mod srv;
mod target;
mod well_known;

use std::{fmt, net::SocketAddr, sync::Arc};

use gantry_model::{
    Clock,
    id::{OwnedServerName, ServerName},
};

use crate::{client::Outbound, error::Result};
use target::{Host, Target};
use well_known::WellKnowns;

/// The port of a server that names none.
pub const DEFAULT_PORT: u16 = 8448;

/// Where a server is, and which names it bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The addresses, in order of preference. They passed the address guard.
    pub addrs: Vec<SocketAddr>,
    /// The `Host` header.
    pub host_header: String,
    /// The name that the certificate must bear.
    pub tls_name: String,
}

/// Finds Matrix servers. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct Discovery(Arc<Inner>);

struct Inner {
    outbound: Outbound,
    well_knowns: WellKnowns,
}

impl fmt::Debug for Discovery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Discovery").finish_non_exhaustive()
    }
}

impl Discovery {
    /// Discovery through this client, remembering by this clock.
    pub fn new(outbound: Outbound, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            well_knowns: WellKnowns::new(outbound.clone(), clock),
            outbound,
        }))
    }

    /// Where a server is. The numbers are those of the specification's steps.
    pub async fn resolve(&self, server: &ServerName) -> Result<Destination> {
        let target = Target::of(server);
        // An override of the operator comes before everything.
        if self.0.outbound.has_override(server.as_str())
            || self.0.outbound.has_override(&target.bare_host())
        {
            return self.direct(&target).await;
        }
        // 1. and 2. An IP literal or an explicit port.
        if target.is_explicit() {
            return self.direct(&target).await;
        }
        // 3. The well-known file may name another server, to which the same steps apply, except
        // that one delegation is enough.
        if let Some(delegated) = self.0.well_knowns.find(&target.host_text()).await {
            return self.delegated(&delegated).await;
        }
        // 4. to 6.
        self.by_srv(&target).await
    }

    /// 3.1. to 3.5.
    async fn delegated(&self, server: &OwnedServerName) -> Result<Destination> {
        let target = Target::of(server);
        if target.is_explicit() || self.0.outbound.has_override(&target.bare_host()) {
            self.direct(&target).await
        } else {
            self.by_srv(&target).await
        }
    }

    /// Service records, the newer kind first; without any, the name itself at the default port.
    async fn by_srv(&self, target: &Target) -> Result<Destination> {
        let host = target.host_text();
        let addrs = match srv::find_addrs(&self.0.outbound, &host).await? {
            Some(addrs) => addrs,
            None => {
                self.0
                    .outbound
                    .resolve_host(&host, None, DEFAULT_PORT)
                    .await?
            }
        };
        Ok(Destination {
            addrs,
            host_header: host.clone(),
            tls_name: host,
        })
    }

    /// The name itself, at its port or the default one.
    async fn direct(&self, target: &Target) -> Result<Destination> {
        let host = target.host_text();
        let addrs = self
            .0
            .outbound
            .resolve_host(&host, target.port, DEFAULT_PORT)
            .await?;
        Ok(Destination {
            addrs,
            host_header: target.authority(),
            tls_name: target.bare_host(),
        })
    }
}

impl Target {
    fn is_explicit(&self) -> bool {
        self.port.is_some() || matches!(self.host, Host::Ip(_))
    }
}

#[cfg(test)]
mod tests;
