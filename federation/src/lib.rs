//! The server-server API, both directions.
//!
//! Three types to begin with: [`Federation`] (built once, starts the workers), [`router`] (what
//! other servers call) and [`FederationCalls`] (what our use-cases ask of other servers). How an
//! event of another server becomes ours: `receive.rs`, with the seven checks numbered. This crate
//! must not know what a client or a table is.

mod acl;
mod auth;
mod budget;
mod calls;
mod check;
mod client;
mod edu;
mod error;
mod federation;
mod inbound;
mod joining;
mod key_ring;
mod parser;
mod peers;
mod policy;
mod race;
mod receive;
mod remote;
mod sender;
mod wire;

pub use calls::{AddressAt, FederationCalls, Offer, PublicRoomsQuery, RemoteAlias};
pub use error::{Error, Result};
pub use federation::{Federation, FederationConfig, FederationParts};
pub use inbound::router;
