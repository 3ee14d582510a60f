//! Which destinations this node sends to: those in its parts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use gantry_model::id::{OwnedServerName, ServerName};
use gantry_store::{Cut, PARTS, Part, Store, part_of};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    cursor::{self, Ledger},
    flush,
    follow::{Addressed, STEP},
    queue::Queue,
};

/// What these parts are of.
pub(crate) const KIND: &str = "destination";
/// A cursor that only follows the log, and has nothing behind it that was delivered, is stored so
/// often.
const IDLE: Duration = Duration::from_mins(1);

/// The parts that this node has, and what waits for the destinations in them.
#[derive(Default)]
pub(crate) struct Shares {
    shares: BTreeMap<u16, Share>,
}

/// A part while this node has it.
struct Share {
    /// The log was followed up to here. Queues are filled under the same lock.
    processed: Cut,
    /// Whether anything was queued that what is stored does not know of.
    is_touched: bool,
    queues: HashMap<OwnedServerName, Arc<Queue>>,
    /// Queues that have work and perhaps no worker.
    ready: Vec<Arc<Queue>>,
    /// Ends what is done for its destinations.
    term: CancellationToken,
}

/// The stored side of a part, which is written by one task.
pub(crate) struct Held {
    pub(crate) part: Part<Ledger>,
    stored_at: Instant,
}

impl Held {
    pub(crate) fn new(part: Part<Ledger>) -> Self {
        Self {
            part,
            stored_at: Instant::now(),
        }
    }

    pub(crate) async fn store(&mut self, ledger: Ledger) -> Result<(), gantry_store::Error> {
        self.part.put(ledger).await?;
        self.stored_at = Instant::now();
        Ok(())
    }
}

impl Shares {
    /// The part's share, restored from what is stored.
    pub(crate) fn add(&mut self, part: u16, ledger: &Ledger, now: &Cut, term: CancellationToken) {
        let processed = match &ledger.cursor {
            Some(cursor) => cursor::read(Some(cursor), now).unwrap_or(now.clone()),
            None => Cut::new(now.generation()),
        };
        let mut share = Share {
            processed,
            is_touched: !ledger.servers.is_empty(),
            queues: HashMap::new(),
            ready: Vec::new(),
            term,
        };
        for row in &ledger.servers {
            let Ok(server) = ServerName::parse(&row.server) else {
                continue;
            };
            let behind = cursor::read(row.cursor.as_deref(), now);
            let queue = Arc::new(Queue::restore(server.clone(), row, behind));
            share.ready.push(Arc::clone(&queue));
            share.queues.insert(server, queue);
        }
        self.shares.insert(part, share);
    }

    /// Ends a share, and forgets what waits for its destinations: it stands in the log.
    pub(crate) fn remove(&mut self, part: u16) {
        if let Some(share) = self.shares.remove(&part) {
            share.term.cancel();
        }
    }

    /// The parts that this node has.
    #[cfg(test)]
    pub(crate) fn parts(&self) -> impl Iterator<Item = u16> + '_ {
        self.shares.keys().copied()
    }

    /// The share of a destination; `None`: another node sends to it.
    fn share(&self, server: &ServerName) -> Option<&Share> {
        self.shares.get(&part_of(server.as_str()))
    }

    /// Whether this node sends to a destination.
    pub(crate) fn has(&self, server: &ServerName) -> bool {
        self.share(server).is_some()
    }

    /// The queue of a destination, if there ever was something for it.
    pub(crate) fn known(&self, server: &ServerName) -> Option<&Arc<Queue>> {
        self.share(server)?.queues.get(server)
    }

    /// The queue of a destination; `None`: another node sends to it.
    pub(crate) fn queue(&mut self, server: &ServerName) -> Option<Arc<Queue>> {
        let share = self.shares.get_mut(&part_of(server.as_str()))?;
        Some(share.queue(server))
    }

    /// Notes that a queue has work.
    pub(crate) fn make_ready(&mut self, queue: Arc<Queue>) {
        let part = part_of(queue.server.as_str());
        if let Some(share) = self.shares.get_mut(&part) {
            share.ready.push(queue);
        }
    }

    /// The queues that have work and perhaps no worker, each with what ends it.
    pub(crate) fn take_ready(&mut self) -> Vec<(Arc<Queue>, CancellationToken)> {
        let mut all = Vec::new();
        for share in self.shares.values_mut() {
            let ready = share.ready.drain(..);
            all.extend(ready.map(|queue| (queue, share.term.clone())));
        }
        all
    }

    /// Where to read on in the log to come to `upto`: a point, and the parts that stand there.
    pub(crate) fn behind(&self, upto: &Cut) -> Option<(Cut, Vec<u16>)> {
        let mut shares = self.shares.values();
        let is_behind = |share: &&Share| share.processed.step(upto, STEP) != share.processed;
        let since = shares.find(is_behind)?.processed.clone();
        let there = self.shares.iter();
        let there = there.filter(|(_, share)| share.processed == since);
        let parts = there.map(|(part, _)| *part).collect();
        Some((since, parts))
    }

    /// Queues what the log holds between `since` and `upto` for destinations in these parts.
    pub(crate) fn enqueue(
        &mut self,
        addressed: Vec<Addressed>,
        parts: &[u16],
        since: &Cut,
        upto: &Cut,
    ) {
        for Addressed { item, servers } in addressed {
            for server in servers {
                let part = part_of(server.as_str());
                if !parts.contains(&part) {
                    continue;
                }
                let Some(share) = self.shares.get_mut(&part) else {
                    continue;
                };
                let queue = share.queue(&server);
                let is_running = {
                    let mut state = queue.lock();
                    state.push(item.clone(), since);
                    state.running
                };
                if !is_running {
                    share.ready.push(queue);
                }
                share.is_touched = true;
            }
        }
        for part in parts {
            if let Some(share) = self.shares.get_mut(part) {
                share.processed = upto.clone();
            }
        }
    }

    /// How far the log was followed for a destination; `None`: another node sends to it.
    pub(crate) fn processed(&self, server: &ServerName) -> Option<&Cut> {
        Some(&self.share(server)?.processed)
    }

    /// What should be stored of a part; `None`: what is stored is good enough. `is_last`: nothing will
    /// be stored after it.
    pub(crate) fn unstored(&mut self, part: u16, held: &Held, is_last: bool) -> Option<Ledger> {
        let share = self.shares.get_mut(&part)?;
        let ledger = flush::ledger(share.queues.values(), &share.processed);
        let stored = held.part.body();
        let is_idle = !is_last
            && !share.is_touched
            && ledger.servers == stored.servers
            && held.stored_at.elapsed() < IDLE;
        share.is_touched = share.has_work();
        (*stored != ledger && !is_idle).then_some(ledger)
    }

    /// Whether everything in the log up to `cut` was delivered to the destinations of this node.
    pub(crate) fn is_delivered(&self, cut: &Cut) -> bool {
        let is_done = |share: &Share| {
            cut.marks().all(|mark| share.processed.contains(mark)) && !share.has_work()
        };
        !self.shares.is_empty() && self.shares.values().all(is_done)
    }
}

impl Share {
    /// The queue of a destination.
    fn queue(&mut self, server: &ServerName) -> Arc<Queue> {
        let queue = self.queues.entry(server.to_owned());
        Arc::clone(queue.or_insert_with(|| Arc::new(Queue::new(server.to_owned()))))
    }

    fn has_work(&self) -> bool {
        self.queues.values().any(|queue| queue.lock().has_work())
    }
}

/// The parts that this node should have and has not, and those that it has and should not.
pub(crate) fn moves(store: &Store, held: &BTreeMap<u16, Held>) -> (Vec<u16>, Vec<u16>) {
    let parts = 0..PARTS;
    let amiss = parts.filter(|part| store.wants_part(KIND, *part) != held.contains_key(part));
    amiss.partition(|part| !held.contains_key(part))
}
