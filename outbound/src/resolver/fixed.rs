//! Answers that were written down before.

use std::{collections::HashMap, net::IpAddr};

use async_trait::async_trait;

use super::{ResolveError, Resolver, Srv};

/// A resolver for tests: it knows what it was told.
#[derive(Debug, Clone, Default)]
pub struct StaticResolver {
    hosts: HashMap<String, Vec<IpAddr>>,
    services: HashMap<String, Vec<Srv>>,
}

impl StaticResolver {
    /// One that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the addresses of a host.
    #[must_use]
    pub fn with_host(mut self, host: &str, addresses: &[IpAddr]) -> Self {
        self.hosts.insert(host.to_owned(), addresses.to_vec());
        self
    }

    /// With the service records of a name.
    #[must_use]
    pub fn with_srv(mut self, name: &str, records: &[Srv]) -> Self {
        self.services.insert(name.to_owned(), records.to_vec());
        self
    }
}

#[async_trait]
impl Resolver for StaticResolver {
    async fn lookup_ip(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        self.hosts.get(host).cloned().ok_or(ResolveError::NotFound)
    }

    async fn lookup_srv(&self, name: &str) -> Result<Vec<Srv>, ResolveError> {
        self.services
            .get(name)
            .cloned()
            .ok_or(ResolveError::NotFound)
    }
}
