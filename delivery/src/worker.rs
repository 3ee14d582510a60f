//! One destination's worker: it lives while something waits.

use std::{sync::Arc, time::Duration};

use crate::{
    Destination, Result, Transaction, catch_up,
    outbox::Inner,
    queue::{Next, Queue},
};
use gantry_store::Cut;
use tokio_util::sync::CancellationToken;

/// The longest wait without looking at the clock again.
const LONGEST_WAIT_MS: i64 = 60_000;
/// How long to wait when the log could not be read.
const PAUSE_MS: i64 = 5_000;

/// Sends what waits in the queue, in order, until nothing does or another node sends to it.
pub(crate) async fn run(
    inner: Arc<Inner>,
    queue: Arc<Queue>,
    destination: Arc<dyn Destination>,
    term: CancellationToken,
) {
    while !term.is_cancelled() {
        let next = {
            let mut state = queue.lock();
            let next = state.next(inner.config.clock.now_ms());
            if next == Next::Rest {
                state.running = false;
                return;
            }
            next
        };
        match next {
            Next::Rest => return,
            Next::Wait(ms) => wait(&term, &queue, ms).await,
            Next::Send => send(&inner, &queue, &*destination, None, &term).await,
            Next::Read(since) => {
                if let Err(error) = read(&inner, &queue, &*destination, &since, &term).await {
                    tracing::error!(%error, server = %queue.server, "the log could not be read");
                    wait(&term, &queue, PAUSE_MS).await;
                }
            }
        }
    }
}

async fn wait(term: &CancellationToken, queue: &Queue, ms: i64) {
    let ms = u64::try_from(ms.clamp(1, LONGEST_WAIT_MS)).unwrap_or(1);
    tokio::select! {
        () = term.cancelled() => {}
        () = queue.wake.notified() => {}
        () = tokio::time::sleep(Duration::from_millis(ms)) => {}
    }
}

/// Sends what the log holds after `since`.
async fn read(
    inner: &Inner,
    queue: &Queue,
    destination: &dyn Destination,
    since: &Cut,
    term: &CancellationToken,
) -> Result<()> {
    let Some(processed) = inner.processed(&queue.server) else {
        return Ok(());
    };
    let backlog = queue.lock().backlog.clone();
    let rooms = &inner.config.rooms;
    let now_ms = inner.config.clock.now_ms();
    let missed = catch_up::read(rooms, &queue.server, since, &processed, backlog, now_ms).await?;
    if missed.items.is_empty() {
        inner.caught_up(queue, missed.upto, missed.backlog);
    } else {
        send(inner, queue, destination, Some(missed), term).await;
    }
    Ok(())
}

/// Sends one transaction: of what was missed, or of what waits.
async fn send(
    inner: &Inner,
    queue: &Queue,
    destination: &dyn Destination,
    missed: Option<catch_up::Missed>,
    term: &CancellationToken,
) {
    let is_failing = queue.lock().is_failing();
    let permits = if is_failing {
        &inner.failing_permits
    } else {
        &inner.permits
    };
    let Ok(_permit) = permits.acquire().await else {
        return;
    };
    let (transaction, waiting) = {
        let mut state = queue.lock();
        let items = missed
            .as_ref()
            .map_or_else(|| state.head(), |missed| missed.items.clone());
        let waiting = if missed.is_some() { 0 } else { items.len() };
        let pdus = items.into_iter().map(|item| item.pdu).collect();
        let id = inner.transaction_id();
        (
            Transaction {
                id,
                pdus,
                edus: state.take_edus(),
            },
            waiting,
        )
    };
    if transaction.pdus.is_empty() && transaction.edus.is_empty() {
        return;
    }
    let sent = tokio::select! {
        () = term.cancelled() => return,
        sent = destination.send(&queue.server, &transaction) => sent,
    };
    let now = inner.config.clock.now_ms();
    match sent {
        Ok(()) => {
            queue.lock().delivered(waiting, now);
            if let Some(missed) = missed {
                inner.caught_up(queue, missed.upto, missed.backlog);
            }
        }
        Err(error) => {
            tracing::debug!(%error, server = %queue.server, "a transaction did not arrive");
            let (backoff, rng) = (inner.config.backoff, Arc::clone(&inner.config.rng));
            let pause = |failures| backoff.pause(failures, &*rng);
            let processed = inner.processed(&queue.server);
            let mut state = queue.lock();
            state.failed(transaction.edus, now, pause);
            if let Some(processed) = processed {
                state.fall_behind(&processed);
            }
        }
    }
}
