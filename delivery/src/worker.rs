//! One destination's worker: it lives while something waits.

use std::{sync::Arc, time::Duration};

use crate::{
    Destination, MAX_PDUS, Result, Transaction, catch_up,
    outbox::Inner,
    queue::{Next, Queue},
    turns::Turn,
};
use gantry_store::Cut;
use tokio_util::sync::CancellationToken;

/// The longest wait without looking at the clock again.
const LONGEST_WAIT_MS: i64 = 60_000;
/// Events that a server is tried with which did not answer last time.
const TRIED_WITH: usize = 10;
/// Events that a crash should not have sent again.
const MUCH: usize = 10;
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
            Next::Wait(ms) => wait(&term, &queue, ms).await,
            _ => take_turn(&inner, &queue, &*destination, &term).await,
        }
    }
}

/// Waits for a turn, and sends what waits by then.
async fn take_turn(
    inner: &Inner,
    queue: &Queue,
    destination: &dyn Destination,
    term: &CancellationToken,
) {
    let is_failing = queue.lock().is_failing();
    let turn = tokio::select! {
        () = term.cancelled() => return,
        turn = inner.turns.next(is_failing) => turn,
    };
    let next = queue.lock().next(inner.config.clock.now_ms());
    match next {
        Next::Rest | Next::Wait(_) => {}
        Next::Send => send(inner, queue, destination, None, turn, term).await,
        Next::Read(since) => {
            if let Err(error) = read(inner, queue, destination, &since, turn, term).await {
                tracing::error!(%error, server = %queue.server, "the log could not be read");
                wait(term, queue, PAUSE_MS).await;
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
    turn: Turn,
    term: &CancellationToken,
) -> Result<()> {
    let Some(processed) = inner.processed(&queue.server) else {
        return Ok(());
    };
    let (backlog, is_failing) = {
        let state = queue.lock();
        (state.backlog.clone(), state.is_failing())
    };
    let reading = catch_up::Reading {
        rooms: &inner.config.rooms,
        server: &queue.server,
        now_ms: inner.config.clock.now_ms(),
        limit: if is_failing { TRIED_WITH } else { MAX_PDUS },
    };
    let missed = reading.on_from(since, &processed, backlog).await?;
    if missed.items.is_empty() {
        inner.caught_up(queue, missed.upto, missed.backlog);
    } else {
        send(inner, queue, destination, Some(missed), turn, term).await;
    }
    Ok(())
}

/// Sends one transaction: of what was missed, or of what waits.
async fn send(
    inner: &Inner,
    queue: &Queue,
    destination: &dyn Destination,
    missed: Option<catch_up::Missed>,
    turn: Turn,
    term: &CancellationToken,
) {
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
        sent = inner.turns.take(turn, destination.send(&queue.server, &transaction)) => sent,
    };
    let now = inner.config.clock.now_ms();
    match sent {
        Ok(()) => {
            queue.lock().delivered(waiting, now);
            if let Some(missed) = missed {
                inner.caught_up(queue, missed.upto, missed.backlog);
            }
            if transaction.pdus.len() >= MUCH {
                inner.much_arrived.notify_one();
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
