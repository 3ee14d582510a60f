//! The composition root: builds everything from the bottom up.

use axum::{Router, routing::get};
use gantry_web::{EdgeConfig, edge};

use crate::{cli::NewUser, config::Config, running::Deps, workers::Workers};

/// Why the server cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// What was asked for is not connected.
    #[error("{0} is not connected yet")]
    NotConnected(&'static str),
}

/// A server without its sockets.
#[derive(Debug)]
pub struct Wired {
    /// Every surface.
    pub router: Router,
}

/// Builds a server. Its background work is started among the workers.
pub async fn build(config: &Config, deps: &Deps, _: &Workers) -> Result<Wired, WiringError> {
    let router = Router::new().route("/health", get(health));
    let edge_config = EdgeConfig {
        trusted_proxies: config.listeners.trusted_proxies.clone(),
        max_body_bytes: config.limits.max_body_bytes,
    };
    Ok(Wired {
        router: edge(router, edge_config, &*deps.rng),
    })
}

async fn health() -> &'static str {
    "OK\n"
}

/// Creates a user and says what was created.
pub async fn create_user(_: &Config, _: &Deps, _: NewUser) -> Result<String, WiringError> {
    Err(WiringError::NotConnected("the user database"))
}
