//! Real DNS.

use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RData,
};

use super::{ResolveError, Resolver, Srv};

/// The resolver of the machine: its name servers and its hosts file. Answers are kept for as long
/// as their records allow.
#[derive(Debug, Clone)]
pub struct HickoryResolver(TokioResolver);

impl HickoryResolver {
    /// The machine's settings; without any, a name server on this machine, as the C library does.
    pub fn from_system() -> Result<Self, ResolveError> {
        let builder = TokioResolver::builder_tokio().unwrap_or_else(|error| {
            tracing::warn!(%error, "no usable DNS settings, asking 127.0.0.1");
            let local = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
            TokioResolver::builder_with_config(
                ResolverConfig::from_name_servers(vec![local]),
                TokioRuntimeProvider::default(),
            )
        });
        builder.build().map(Self).map_err(|error| failed(&error))
    }
}

fn failed(error: &NetError) -> ResolveError {
    if error.is_no_records_found() || error.is_nx_domain() {
        ResolveError::NotFound
    } else {
        ResolveError::Failed(error.to_string())
    }
}

#[async_trait]
impl Resolver for HickoryResolver {
    async fn lookup_ip(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let answer = self
            .0
            .lookup_ip(host)
            .await
            .map_err(|error| failed(&error))?;
        Ok(answer.iter().collect())
    }

    async fn lookup_srv(&self, name: &str) -> Result<Vec<Srv>, ResolveError> {
        let answer = self
            .0
            .srv_lookup(name)
            .await
            .map_err(|error| failed(&error))?;
        let records = answer.answers().iter().filter_map(|record| {
            let RData::SRV(srv) = &record.data else {
                return None;
            };
            Some(Srv {
                target: srv.target.to_ascii(),
                port: srv.port,
                priority: srv.priority,
                weight: srv.weight,
            })
        });
        Ok(records.collect())
    }
}
