//! The server as a whole: configuration, listeners, and how everything is put together.
//!
//! [`start`] takes a [`Config`] and gives a [`Running`] server; the binary does no more than that,
//! and tests do the same. `wiring.rs` is the one place that knows all crates.

pub mod admin;
pub mod appservices;
pub mod arenas;
pub mod cli;
pub mod config;
pub mod greeting;
mod housekeeping;
pub mod listener;
mod metrics_page;
pub mod open_files;
mod running;
pub mod shutdown;
pub mod telemetry;
pub mod wiring;
mod workers;

pub use config::Config;
pub use running::{Deps, Running, StartError, start};
pub use workers::Workers;
