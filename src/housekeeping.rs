//! What a running server does now and then: rooms that nobody asks for leave memory, messages that
//! no policy keeps are taken away.

use std::{sync::Arc, time::Duration};

use gantry_model::Clock;
use gantry_rooms::{RetentionPolicy, Rooms};

use crate::{
    Workers,
    config::{LimitsConfig, RetentionConfig},
};

/// How often idle rooms are looked for.
const IDLE_INTERVAL: Duration = Duration::from_secs(30);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Starts both.
pub(crate) fn start(
    rooms: &Rooms,
    clock: &Arc<dyn Clock>,
    limits: &LimitsConfig,
    retention: &RetentionConfig,
    workers: &Workers,
) {
    let idle = evict_idle(rooms.clone(), Arc::clone(clock), limits.clone());
    let stop = workers.shutdown.clone();
    workers.tasks.spawn(async move {
        stop.run_until_cancelled(idle).await;
    });
    if retention.enabled {
        let purge = purge_old(rooms.clone(), retention.clone());
        let stop = workers.shutdown.clone();
        workers.tasks.spawn(async move {
            stop.run_until_cancelled(purge).await;
        });
    }
}

async fn evict_idle(rooms: Rooms, clock: Arc<dyn Clock>, limits: LimitsConfig) {
    let idle_ms = i64::from(limits.room_idle_seconds) * 1000;
    loop {
        tokio::time::sleep(IDLE_INTERVAL).await;
        let gone = rooms.evict(clock.now_ms() - idle_ms, limits.rooms_in_memory);
        if gone > 0 {
            tracing::debug!(rooms = gone, "idle rooms have left memory");
        }
    }
}

async fn purge_old(rooms: Rooms, config: RetentionConfig) {
    let policy = policy(&config);
    let interval = Duration::from_secs(u64::from(config.interval_minutes.max(1)) * 60);
    loop {
        tokio::time::sleep(interval).await;
        match rooms.apply_retention(&policy).await {
            Ok(purged) => tracing::info!(
                events = purged.events,
                bytes = purged.bytes,
                "old messages were taken away"
            ),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "old messages could not be taken away"
            ),
        }
    }
}

fn policy(config: &RetentionConfig) -> RetentionPolicy {
    let days = |days: u32| i64::from(days) * DAY_MS;
    RetentionPolicy {
        default_ms: config.default_days.map(days),
        min_ms: Some(days(config.min_days)),
        max_ms: config.max_days.map(days),
    }
}
