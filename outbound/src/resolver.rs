//! Names to addresses.

mod fixed;
mod hickory;

use std::{fmt, net::IpAddr};

use async_trait::async_trait;

pub use fixed::StaticResolver;
pub use hickory::HickoryResolver;

/// Why a name has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The name, or a record of this kind, does not exist.
    #[error("no such name")]
    NotFound,
    /// The name servers did not answer, or not sensibly.
    #[error("name resolution failed: {0}")]
    Failed(String),
}

/// A service record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The host that serves.
    pub target: String,
    /// Its port.
    pub port: u16,
    /// Lower ones are tried first.
    pub priority: u16,
    /// Among equal priorities, higher ones are preferred.
    pub weight: u16,
}

/// DNS, or what a test puts in its place.
#[async_trait]
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The addresses of a host.
    async fn lookup_ip(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError>;

    /// The service records of a name such as `_matrix-fed._tcp.example.org`.
    async fn lookup_srv(&self, name: &str) -> Result<Vec<Srv>, ResolveError>;
}
