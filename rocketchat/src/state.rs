//! What all requests share.

use std::fmt;
use std::sync::Arc;

use gantry_homeserver::Homeserver;
use gantry_model::Clock;
use gantry_model::id::ServerName;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ddp::Hub;
use crate::map::Emoji;

/// What an operator decides about this surface.
#[derive(Debug, Clone)]
pub struct RocketchatConfig {
    /// The version of Rocket.Chat that clients are told; they refuse to work with ones that they
    /// do not know.
    pub version: String,
    /// The public address, without a slash at its end.
    pub site_url: String,
    /// The version of rooms that are made here.
    pub default_room_version: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What all requests share. Cheap to clone.
#[derive(Clone)]
pub struct RocketchatState(Arc<Inner>);

struct Inner {
    config: RocketchatConfig,
    homeserver: Homeserver,
    emoji: Emoji,
    hub: Hub,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl fmt::Debug for RocketchatState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketchatState")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl RocketchatState {
    /// The state of this surface. It starts the task that tells connections of new events.
    pub fn new(
        config: RocketchatConfig,
        homeserver: Homeserver,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        let (emoji, hub) = (Emoji::new(), Hub::default());
        let runner = tracker.clone();
        let state = Self(Arc::new(Inner {
            config,
            homeserver,
            emoji,
            hub,
            tracker,
            stop,
        }));
        runner.spawn(crate::ddp::run_hub(state.clone()));
        state
    }

    pub(crate) fn config(&self) -> &RocketchatConfig {
        &self.0.config
    }

    /// The time, in milliseconds since the Unix epoch.
    pub(crate) fn now_ms(&self) -> i64 {
        self.0.config.clock.now_ms()
    }

    pub(crate) fn homeserver(&self) -> &Homeserver {
        &self.0.homeserver
    }

    pub(crate) fn emoji(&self) -> &Emoji {
        &self.0.emoji
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn tracker(&self) -> &TaskTracker {
        &self.0.tracker
    }

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.stop
    }

    pub(crate) fn server(&self) -> &ServerName {
        &self.0.homeserver.config().server_name
    }
}
