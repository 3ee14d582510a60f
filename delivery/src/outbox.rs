//! The handle, and the one task that follows the log.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use gantry_model::{Clock, Rng, id::ServerName};
use gantry_rooms::Rooms;
use gantry_store::{Cut, Error as StoreError, Store};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Backoff, Destination, Edu, Result,
    backlog::Backlog,
    follow::{self, STEP},
    node_news::{Heard, News},
    queue::Queue,
    shares::{self, Held, Shares},
    turns::Turns,
    worker,
};

/// Cursors are not stored more often than this, however much was delivered.
const FLUSH_SOON: Duration = Duration::from_millis(100);
/// How long to wait after storage failed.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// What the outbox is made of.
#[derive(Clone)]
pub struct OutboxConfig {
    /// Where cursors are kept.
    pub store: Store,
    /// Whose log is followed.
    pub rooms: Rooms,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for the spread of pauses.
    pub rng: Arc<dyn Rng>,
    /// Where tasks are started.
    pub tracker: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
    /// How long a failing destination is left alone.
    pub backoff: Backoff,
    /// How often cursors are stored of which little was delivered; of the rest it is soon.
    pub flush: Duration,
    /// Transactions whose turn it is at once, to servers that answered last time.
    pub concurrency: usize,
}

impl fmt::Debug for OutboxConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OutboxConfig")
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// The queues to the destinations of this node. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: OutboxConfig,
    shares: Mutex<Shares>,
    pub(crate) heard: Heard,
    /// There is a queue with work and without a worker.
    has_work: Notify,
    /// So much was delivered that a crash should not have it sent again.
    pub(crate) much_arrived: Notify,
    pub(crate) turns: Turns,
    transactions: AtomicU64,
}

impl Outbox {
    /// An outbox that does nothing yet.
    pub fn new(config: OutboxConfig) -> Self {
        let first = u64::try_from(config.clock.now_ms()).unwrap_or(0) << 12;
        Self(Arc::new(Inner {
            shares: Mutex::default(),
            heard: Heard::default(),
            has_work: Notify::new(),
            much_arrived: Notify::new(),
            turns: Turns::new(config.concurrency),
            transactions: AtomicU64::new(first),
            config,
        }))
    }

    /// Follows the log from where it was left, and sends through `destination`. To be called once.
    pub fn start(&self, destination: Arc<dyn Destination>) {
        let outbox = self.clone();
        let tracker = &self.0.config.tracker;
        tracker.spawn(async move { outbox.run(destination).await });
        tracker.spawn(self.clone().heed_nodes());
    }

    /// Queues an ephemeral unit. It is lost when the server stops.
    pub fn push_edu(&self, server: &ServerName, edu: Edu) {
        if let Err(edu) = self.queue_edu(server, edu) {
            let server = server.to_owned();
            self.tell_nodes(News::Edu { server, edu });
        }
    }

    /// The same; `Err`: another node sends to the server.
    pub(crate) fn queue_edu(&self, server: &ServerName, edu: Edu) -> Result<(), Edu> {
        let mut shares = self.0.shares.lock();
        let Some(queue) = shares.queue(server) else {
            return Err(edu);
        };
        queue.lock().push_edu(edu);
        shares.make_ready(queue);
        drop(shares);
        self.0.has_work.notify_one();
        Ok(())
    }

    /// The server was heard of: if it failed before, it is tried again soon.
    pub fn note_alive(&self, server: &ServerName) {
        let now = self.0.config.clock.now_ms();
        if !self.wake(server) && self.0.heard.is_worth_telling(server, now) {
            let server = server.to_owned();
            self.tell_nodes(News::Alive { server });
        }
    }

    /// Tries a server again soon. False: another node sends to it.
    pub(crate) fn wake(&self, server: &ServerName) -> bool {
        let shares = self.0.shares.lock();
        if let Some(queue) = shares.known(server)
            && queue.lock().note_alive(self.0.config.backoff)
        {
            queue.wake.notify_one();
        }
        shares.has(server)
    }

    /// Whether everything in the log up to `cut` was delivered to everyone that this node sends to.
    /// For tests and operators.
    pub fn is_delivered(&self, cut: &Cut) -> bool {
        self.0.shares.lock().is_delivered(cut)
    }

    /// Sends to the destinations in those parts that this node has, until the server stops.
    async fn run(self, destination: Arc<dyn Destination>) {
        let Inner { config, .. } = &*self.0;
        let mut held = BTreeMap::new();
        let mut nodes = config.store.nodes();
        let mut cuts = config.rooms.subscribe();
        nodes.mark_changed();
        cuts.mark_changed();
        let mut flush = tokio::time::interval(config.flush);
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut flushed = Instant::now();
        loop {
            self.start_workers(&destination);
            tokio::select! {
                () = config.stop.cancelled() => break,
                () = self.0.has_work.notified() => continue,
                () = self.0.much_arrived.notified() => {
                    flush.reset_at(flushed + FLUSH_SOON);
                    continue;
                }
                _ = flush.tick() => {
                    self.flush(&mut held).await;
                    flushed = Instant::now();
                    self.share_out(&mut held).await;
                }
                // Where there can be no other nodes, nobody is left to tell of them.
                Ok(()) = nodes.changed() => self.share_out(&mut held).await,
                changed = cuts.changed() => if changed.is_err() { break },
            }
            let upto = cuts.borrow_and_update().clone();
            if let Err(error) = self.follow(&upto, &destination).await {
                tracing::error!(%error, "the outbox could not follow the log");
                if !self.pause().await {
                    break;
                }
            }
        }
        join_all(held.into_iter().map(|(part, held)| self.leave(part, held))).await;
    }

    /// Takes the parts that this node should have, and gives away those that it should not.
    async fn share_out(&self, held: &mut BTreeMap<u16, Held>) {
        let Inner { config, shares, .. } = &*self.0;
        let (wanted, unwanted) = shares::moves(&config.store, held);
        for part in unwanted {
            if let Some(held) = held.remove(&part) {
                self.leave(part, held).await;
            }
        }
        let take = |part| async move { (part, config.store.take_part(shares::KIND, part).await) };
        let taken = join_all(wanted.into_iter().map(take)).await;
        let now = config.rooms.store_cut();
        let mut shares = shares.lock();
        for (part, taken) in taken {
            match taken {
                Ok(Some(taken)) => {
                    shares.add(part, taken.body(), &now, config.stop.child_token());
                    held.insert(part, Held::new(taken));
                }
                // The node that has it is asked for it by what it sees itself.
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "the outbox could not be read"),
            }
        }
    }

    async fn follow(&self, upto: &Cut, destination: &Arc<dyn Destination>) -> Result<()> {
        let Inner { config, shares, .. } = &*self.0;
        loop {
            let Some((since, parts)) = shares.lock().behind(upto) else {
                return Ok(());
            };
            if config.stop.is_cancelled() {
                return Ok(());
            }
            let next = since.step(upto, STEP);
            let addressed = follow::addressed(&config.rooms, &since, &next).await?;
            shares.lock().enqueue(addressed, &parts, &since, &next);
            self.start_workers(destination);
        }
    }

    fn start_workers(&self, destination: &Arc<dyn Destination>) {
        let ready = self.0.shares.lock().take_ready();
        for (queue, term) in ready {
            {
                let mut state = queue.lock();
                if state.running || !state.has_work() {
                    continue;
                }
                state.running = true;
            }
            let (inner, destination) = (Arc::clone(&self.0), Arc::clone(destination));
            let worker = worker::run(inner, queue, destination, term);
            self.0.config.tracker.spawn(worker);
        }
    }

    /// Stores how far the destinations have come. Parts that another node has taken are forgotten.
    async fn flush(&self, held: &mut BTreeMap<u16, Held>) {
        let store = async |(part, held): (&u16, &mut Held)| {
            let ledger = self.0.shares.lock().unstored(*part, held, false);
            match ledger {
                Some(ledger) => held.store(ledger).await.err().map(|error| (*part, error)),
                None => None,
            }
        };
        for (part, error) in join_all(held.iter_mut().map(store))
            .await
            .into_iter()
            .flatten()
        {
            if matches!(error, StoreError::PartLost) {
                tracing::info!(part, "another node sends to a part of the destinations now");
                held.remove(&part);
                self.0.shares.lock().remove(part);
            } else {
                tracing::error!(%error, part, "the outbox could not store its cursors");
            }
        }
    }

    /// Leaves a part to another node.
    async fn leave(&self, part: u16, mut held: Held) {
        let ledger = {
            let mut shares = self.0.shares.lock();
            let ledger = shares.unstored(part, &held, true);
            shares.remove(part);
            ledger
        };
        let left = async {
            if let Some(ledger) = ledger {
                held.store(ledger).await?;
            }
            held.part.give_away().await
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, part, "a part of the destinations was not left properly");
        }
    }

    /// False: we are stopping.
    async fn pause(&self) -> bool {
        tokio::select! {
            () = self.0.config.stop.cancelled() => false,
            () = tokio::time::sleep(PAUSE_AFTER_ERROR) => true,
        }
    }
}

impl Inner {
    /// How far the log was followed for a server; `None`: another node sends to it.
    pub(crate) fn processed(&self, server: &ServerName) -> Option<Cut> {
        self.shares.lock().processed(server).cloned()
    }

    /// If the log was read for this queue as far as it was followed, the queue is filled again by
    /// the follower.
    pub(crate) fn caught_up(&self, queue: &Queue, read: Cut, backlog: Backlog) {
        let shares = self.shares.lock();
        let is_all = shares.processed(&queue.server) == Some(&read);
        let mut queue = queue.lock();
        queue.behind = (!is_all).then_some(read);
        queue.backlog = match queue.behind {
            Some(_) => backlog,
            None => Backlog::default(),
        };
    }

    /// A transaction id that was not used before.
    pub(crate) fn transaction_id(&self) -> String {
        format!("{:x}", self.transactions.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
