//! The one HTTP client that leaves the server.
//!
//! Every request that Gantry makes to an address it did not choose itself goes through
//! [`Outbound`]: names are resolved here, private addresses are refused after resolution, and the
//! connection is made to exactly the addresses that passed. Times and sizes are bounded, and
//! certificates are always verified. [`Discovery`] finds the address of a Matrix server.
//!
//! What this crate must not know: what is sent, and what an answer means.

mod budget;
mod client;
mod config;
mod connector;
pub mod discovery;
mod error;
mod guard;
mod hosts;
mod pool;
mod redirect;
mod request;
pub mod resolver;
mod tls;

pub use budget::Held;
pub use client::Outbound;
pub use config::{HostOverride, HostOverrideError, OutboundConfig};
pub use discovery::{Destination, Discovery};
pub use error::{Error, Result};
pub use guard::AddressGuard;
pub use request::{OutboundRequest, OutboundResponse, Redirects};
pub use resolver::{HickoryResolver, ResolveError, Resolver, Srv, StaticResolver};
