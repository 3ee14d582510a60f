//! Everything that runs in the background, in one place, so that stopping can wait for it.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long stopping waits for running requests and workers.
const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// The tasks of one server, and what tells them to end. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    /// Every background task is spawned here.
    pub tasks: TaskTracker,
    /// Every background task ends when this is canceled.
    pub shutdown: CancellationToken,
}

impl Workers {
    /// Without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells all tasks to end and waits for them, but not forever.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(STOP_TIMEOUT, self.tasks.wait()).await;
        if ended.is_err() {
            let left = self.tasks.len();
            tracing::warn!(left, "some tasks did not end in time");
        }
    }
}
