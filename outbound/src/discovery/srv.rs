//! Service records.

use std::net::SocketAddr;

use crate::{
    client::Outbound,
    error::{Error, Result},
    resolver::{ResolveError, Srv},
};

/// `_matrix._tcp` is the deprecated kind.
const SERVICES: [&str; 2] = ["_matrix-fed._tcp", "_matrix._tcp"];
/// Records that are looked at.
const MAX_RECORDS: usize = 8;
/// Addresses that are kept.
const MAX_ADDRS: usize = 8;

/// The addresses of the service records of a host; `None` if it has no records.
pub(super) async fn find_addrs(outbound: &Outbound, host: &str) -> Result<Option<Vec<SocketAddr>>> {
    for service in SERVICES {
        let name = format!("{service}.{host}");
        match outbound.resolver().lookup_srv(&name).await {
            Ok(records) if records.is_empty() => {}
            Ok(records) => return addrs_of(outbound, host, records).await.map(Some),
            Err(ResolveError::NotFound) => {}
            Err(error) => tracing::debug!(%name, %error, "no service records"),
        }
    }
    Ok(None)
}

async fn addrs_of(
    outbound: &Outbound,
    host: &str,
    mut records: Vec<Srv>,
) -> Result<Vec<SocketAddr>> {
    records.sort_by_key(|record| (record.priority, u16::MAX - record.weight));
    let mut addrs = Vec::new();
    let mut last_error = None;
    for record in records.iter().take(MAX_RECORDS) {
        let target = record.target.trim_end_matches('.');
        // A lone dot says that the service is not offered.
        if target.is_empty() {
            continue;
        }
        match outbound
            .resolve_host(target, Some(record.port), record.port)
            .await
        {
            Ok(found) => addrs.extend(found),
            Err(error) => last_error = Some(error),
        }
    }
    addrs.truncate(MAX_ADDRS);
    if addrs.is_empty() {
        return Err(last_error.unwrap_or_else(|| Error::Resolve {
            host: host.to_owned(),
            source: ResolveError::NotFound,
        }));
    }
    Ok(addrs)
}
