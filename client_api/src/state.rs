//! What handlers share.

use std::sync::Arc;

use gantry_homeserver::Homeserver;
use gantry_model::Clock;

use crate::sync::LazyMemory;

/// What the surface must be told; everything else is in the homeserver's configuration.
#[derive(Debug, Clone)]
pub struct ClientApiConfig {
    /// The time, for the age of events.
    pub clock: Arc<dyn Clock>,
}

/// The state of the routes; cheap to clone.
#[derive(Debug, Clone)]
pub struct ClientApiState {
    clock: Arc<dyn Clock>,
    homeserver: Homeserver,
    lazy: Arc<LazyMemory>,
}

impl ClientApiState {
    /// The state of one server's routes.
    pub fn new(config: ClientApiConfig, homeserver: Homeserver) -> Self {
        Self {
            clock: config.clock,
            homeserver,
            lazy: Arc::default(),
        }
    }

    /// The use-cases.
    pub(crate) fn homeserver(&self) -> &Homeserver {
        &self.homeserver
    }

    /// Which members devices were told of.
    pub(crate) fn lazy(&self) -> &LazyMemory {
        &self.lazy
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
