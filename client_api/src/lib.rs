//! The Matrix client-server API: one route table and thin handlers over the use-cases of
//! `gantry-homeserver`. A handler parses, makes one call and shapes the answer; it decides nothing.
//!
//! Where to begin: `routes.rs` (what exists), `client_event.rs` (how events look), `sync.rs` (how
//! clients learn of them).

mod account;
mod address_limits;
mod admin;
mod auth;
mod client_event;
mod device;
mod directory;
mod discovery;
mod error;
mod event;
mod extract;
mod guests;
mod membership;
mod people;
mod presence;
mod profile;
mod reply;
mod room;
mod routes;
mod routes_people;
mod session;
mod state;
mod sync;
mod uia;
mod user_data;

pub use routes::router;
pub use state::{ClientApiConfig, ClientApiState};
