//! The handle, and the one task that follows the log.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gantry_model::{
    Clock, Rng,
    id::{OwnedServerName, ServerName},
};
use gantry_rooms::Rooms;
use gantry_store::{Cut, Store};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Backoff, Destination, Edu, Result,
    backlog::Backlog,
    cursor::{self, Row},
    flush,
    follow::{self, Addressed, STEP},
    node_news::{Heard, News},
    queue::Queue,
    worker,
};

/// How often cursors are stored.
const FLUSH: Duration = Duration::from_secs(1);
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
    /// Transactions under way at once, to servers that answered last time.
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

/// The queues to all destinations. Cheap to clone.
#[derive(Clone)]
pub struct Outbox(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: OutboxConfig,
    state: Mutex<State>,
    /// Whether this node is the one that sends.
    leads: watch::Receiver<bool>,
    pub(crate) heard: Heard,
    /// There is a queue with work and without a worker.
    has_work: Notify,
    /// For servers that answered last time.
    pub(crate) permits: Arc<Semaphore>,
    /// For servers that did not: they wait for each other, and nobody waits for them.
    pub(crate) failing_permits: Arc<Semaphore>,
    transactions: AtomicU64,
}

struct State {
    /// The log was followed up to here. Queues are filled under the same lock.
    processed: Cut,
    queues: HashMap<OwnedServerName, Arc<Queue>>,
    /// Queues that have work and perhaps no worker.
    ready: Vec<Arc<Queue>>,
}

impl Outbox {
    /// An outbox that does nothing yet.
    pub fn new(config: OutboxConfig) -> Self {
        let generation = config.rooms.store_cut().generation();
        let first = u64::try_from(config.clock.now_ms()).unwrap_or(0) << 12;
        Self(Arc::new(Inner {
            state: Mutex::new(State::empty(generation)),
            leads: config.store.leads(),
            heard: Heard::default(),
            has_work: Notify::new(),
            permits: Arc::new(Semaphore::new(config.concurrency.max(2))),
            failing_permits: Arc::new(Semaphore::new((config.concurrency / 4).max(1))),
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
        if !self.leads() {
            let server = server.to_owned();
            return self.tell_leader(News::Edu { server, edu });
        }
        {
            let mut state = self.0.state.lock();
            let queue = Arc::clone(state.queue(server));
            queue.lock().push_edu(edu);
            state.ready.push(queue);
        }
        self.0.has_work.notify_one();
    }

    /// The server was heard of: if it failed before, it is tried again soon.
    pub fn note_alive(&self, server: &ServerName) {
        if !self.leads() {
            if self
                .0
                .heard
                .is_worth_telling(server, self.0.config.clock.now_ms())
            {
                let server = server.to_owned();
                self.tell_leader(News::Alive { server });
            }
            return;
        }
        let queue = self.0.state.lock().queues.get(server).cloned();
        if let Some(queue) = queue
            && queue.lock().note_alive(self.0.config.backoff)
        {
            queue.wake.notify_one();
        }
    }

    /// Whether everything in the log up to `cut` was delivered to everyone. For tests and
    /// operators.
    pub fn is_delivered(&self, cut: &Cut) -> bool {
        let state = self.0.state.lock();
        let reached = cut.marks().all(|mark| state.processed.contains(mark));
        reached && state.queues.values().all(|queue| !queue.lock().has_work())
    }

    /// Whether this node is the one that sends.
    pub(crate) fn leads(&self) -> bool {
        *self.0.leads.borrow()
    }

    /// Sends whenever this node leads. Where there is one node, it always does.
    async fn run(self, destination: Arc<dyn Destination>) {
        let mut leads = self.0.leads.clone();
        let stop = self.0.config.stop.clone();
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = becomes(&mut leads, true) => {}
            }
            let term = stop.child_token();
            self.lead(&destination, &mut leads, &term).await;
            term.cancel();
            *self.0.state.lock() = State::empty(self.0.config.rooms.store_cut().generation());
        }
    }

    /// Sends until this node does not lead any more.
    async fn lead(
        &self,
        destination: &Arc<dyn Destination>,
        leads: &mut watch::Receiver<bool>,
        term: &CancellationToken,
    ) {
        let mut shared = loop {
            match self.restore().await {
                Ok(shared) => break shared,
                Err(error) => tracing::error!(%error, "the outbox could not be read"),
            }
            if !self.pause().await {
                return;
            }
        };
        let mut cuts = self.0.config.rooms.subscribe();
        cuts.mark_changed();
        let mut flush = tokio::time::interval(FLUSH);
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.start_workers(destination, term);
            tokio::select! {
                () = term.cancelled() => break,
                () = becomes(leads, false) => break,
                () = self.0.has_work.notified() => continue,
                _ = flush.tick() => self.flush(&mut shared).await,
                changed = cuts.changed() => if changed.is_err() { break },
            }
            let upto = cuts.borrow_and_update().clone();
            if let Err(error) = self.follow(&upto, destination, term).await {
                tracing::error!(%error, "the outbox could not follow the log");
                if !self.pause().await {
                    break;
                }
            }
        }
        self.flush(&mut shared).await;
    }

    /// Reads the cursors. Gives the shared row as it is stored.
    async fn restore(&self) -> Result<Option<Row>> {
        let stored = cursor::load(&self.0.config.store).await?;
        let now = self.0.config.rooms.store_cut();
        let mut state = self.0.state.lock();
        state.processed = match &stored.shared {
            Some(row) => row.cut(&now).unwrap_or(now.clone()),
            None => Cut::new(now.generation()),
        };
        for (server, row) in stored.servers {
            let behind = row.cut(&now);
            if behind.is_some() || row.failures > 0 {
                let queue = Arc::new(Queue::restore(server.clone(), row, behind));
                state.ready.push(Arc::clone(&queue));
                state.queues.insert(server, queue);
            }
        }
        Ok(stored.shared)
    }

    async fn follow(
        &self,
        upto: &Cut,
        destination: &Arc<dyn Destination>,
        term: &CancellationToken,
    ) -> Result<()> {
        loop {
            let since = self.processed();
            let next = since.step(upto, STEP);
            if next == since || term.is_cancelled() {
                return Ok(());
            }
            let rooms = &self.0.config.rooms;
            let addressed = follow::addressed(rooms, &since, &next).await?;
            self.0.state.lock().enqueue(addressed, next);
            self.start_workers(destination, term);
        }
    }

    fn start_workers(&self, destination: &Arc<dyn Destination>, term: &CancellationToken) {
        let ready = std::mem::take(&mut self.0.state.lock().ready);
        for queue in ready {
            {
                let mut state = queue.lock();
                if state.running || !state.has_work() {
                    continue;
                }
                state.running = true;
            }
            let (inner, destination) = (Arc::clone(&self.0), Arc::clone(destination));
            self.0
                .config
                .tracker
                .spawn(worker::run(inner, queue, destination, term.clone()));
        }
    }

    async fn flush(&self, shared: &mut Option<Row>) {
        let (queues, processed) = {
            let state = self.0.state.lock();
            (
                state.queues.values().cloned().collect::<Vec<_>>(),
                state.processed.clone(),
            )
        };
        match flush::plan(&queues, &processed, shared.as_ref())
            .write(&self.0.config.store)
            .await
        {
            Ok(Some(row)) => *shared = Some(row),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the outbox could not store its cursors"),
        }
    }

    fn processed(&self) -> Cut {
        self.0.processed()
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
    /// The log was followed up to here.
    pub(crate) fn processed(&self) -> Cut {
        self.state.lock().processed.clone()
    }

    /// If the log was read for this queue as far as it was followed, the queue is filled again by
    /// the follower.
    pub(crate) fn caught_up(&self, queue: &Queue, read: Cut, backlog: Backlog) {
        let state = self.state.lock();
        let mut queue = queue.lock();
        queue.behind = (read != state.processed).then_some(read);
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

impl State {
    fn empty(generation: u32) -> Self {
        Self {
            processed: Cut::new(generation),
            queues: HashMap::new(),
            ready: Vec::new(),
        }
    }

    fn queue(&mut self, server: &ServerName) -> &Arc<Queue> {
        self.queues
            .entry(server.to_owned())
            .or_insert_with(|| Arc::new(Queue::new(server.to_owned())))
    }

    fn enqueue(&mut self, addressed: Vec<Addressed>, upto: Cut) {
        let processed = self.processed.clone();
        for Addressed { item, servers } in addressed {
            for server in servers {
                let queue = Arc::clone(self.queue(&server));
                let is_running = {
                    let mut state = queue.lock();
                    state.push(item.clone(), &processed);
                    state.running
                };
                if !is_running {
                    self.ready.push(queue);
                }
            }
        }
        self.processed = upto;
    }
}

/// Waits until this node leads, or does not.
async fn becomes(leads: &mut watch::Receiver<bool>, wanted: bool) {
    if leads.wait_for(|leads| *leads == wanted).await.is_err() {
        // It stays as it is: there are no other nodes.
        std::future::pending::<()>().await;
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").finish_non_exhaustive()
    }
}
