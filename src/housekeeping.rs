//! What a running server does now and then: rooms that nobody asks for leave memory, messages that
//! no policy keeps are taken away, what lost nodes left half-written is completed.

use std::{sync::Arc, time::Duration};

use gantry_model::Clock;
use gantry_rooms::{RetentionPolicy, Rooms};

use crate::{
    Workers,
    config::{LimitsConfig, RetentionConfig},
};

/// How often idle rooms are looked for.
const IDLE_INTERVAL: Duration = Duration::from_secs(30);

/// How often it is looked whether another node was lost.
const REPLAY_INTERVAL: Duration = Duration::from_secs(5);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Starts all of it.
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
    let replay = replay_lost_nodes(rooms.clone());
    let stop = workers.shutdown.clone();
    workers.tasks.spawn(async move {
        stop.run_until_cancelled(replay).await;
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

/// Completes what nodes that are gone have left half-written.
async fn replay_lost_nodes(rooms: Rooms) {
    while rooms.has_other_nodes() {
        tokio::time::sleep(REPLAY_INTERVAL).await;
        if !rooms.leads() {
            continue;
        }
        match rooms.replay().await {
            Ok(0) => {}
            Ok(written) => tracing::info!(written, "memberships of a lost node were completed"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "memberships of a lost node could not be completed"
            ),
        }
    }
}

async fn purge_old(rooms: Rooms, config: RetentionConfig) {
    let policy = policy(&config);
    let interval = Duration::from_secs(u64::from(config.interval_minutes.max(1)) * 60);
    loop {
        tokio::time::sleep(interval).await;
        if !rooms.leads() {
            continue;
        }
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
