//! Following what other nodes write, and closing the slots of those that are gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::committer::{Settler, Writer};
use crate::freshness::Freshness;
use crate::look::{arrived, look};
use crate::parts::Nodes;
use crate::schema::WRITERS;
use crate::slot::{SlotRow, close};
use crate::store::from_raw;
use crate::stream::Stream;
use crate::{Feed, Result, Signal, Told};

/// A node tells the others so often that it is there.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// A node that has not been heard of for so long is gone. What is kept in memory may be used for so
/// long after a heartbeat that has come back.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// Clocks do not run at the same rate.
pub(crate) const GRACE: Duration = Duration::from_millis(500);
/// How often it is looked who is gone.
const LOOK: Duration = Duration::from_secs(1);
/// The pause before a broken feed is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// What a node has to do beside the others.
pub(crate) struct Roles {
    /// Whether this node is the one that does what one node does for all.
    pub(crate) lead: watch::Sender<bool>,
    /// The nodes that are there.
    pub(crate) seen: watch::Sender<Nodes>,
}

/// The task that follows.
pub(crate) struct Follower {
    settler: Settler,
    /// Who we are among the nodes.
    node: String,
    stream: Arc<Stream>,
    freshness: Arc<Freshness>,
    /// Where signals of other nodes go.
    heard: broadcast::Sender<Signal>,
    roles: Roles,
    tasks: TaskTracker,
    /// The rows of all slots, and since when they have been so.
    slots: BTreeMap<u16, (SlotRow, Instant)>,
    /// Since when our own heartbeats have come back.
    fresh_since: Option<Instant>,
}

impl Follower {
    /// Reads what is stored now. Nothing may have been written in our slot since it was taken.
    pub(crate) async fn start(
        writer: &Writer,
        heard: broadcast::Sender<Signal>,
        roles: Roles,
        tasks: TaskTracker,
    ) -> Result<Self> {
        let mut follower = Self {
            settler: writer.settler.clone(),
            node: writer.node.clone(),
            stream: Arc::clone(&writer.stream),
            freshness: Arc::clone(&writer.freshness),
            heard,
            roles,
            tasks,
            slots: BTreeMap::new(),
            fresh_since: None,
        };
        follower.catch_up(Some(&writer.node)).await?;
        Ok(follower)
    }

    /// Follows until the store stops.
    pub(crate) async fn run(mut self, mut feed: Feed) {
        let stop = self.settler.stop.clone();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.elect();
        loop {
            let told = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = look.tick() => {
                    self.close_the_gone();
                    self.elect();
                    continue;
                }
                told = feed.next() => told,
            };
            let failure = match told {
                Some(Ok(told)) => match self.note(told) {
                    Ok(()) => continue,
                    Err(failure) => failure.with_cause(),
                },
                Some(Err(failure)) => failure.with_cause(),
                None => "it ended".to_owned(),
            };
            warn!(failure, "the feed is opened again");
            feed = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                feed = self.reopen() => feed,
            };
        }
    }

    /// Opens a new feed, also where the old one cannot be resumed, and reads what it missed.
    async fn reopen(&mut self) -> Feed {
        loop {
            tokio::time::sleep(PAUSE).await;
            let opened = match self.settler.engine.watch().await {
                Ok(Some(feed)) => self.catch_up(None).await.map(|()| feed),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match opened {
                Ok(feed) => return feed,
                Err(failure) => warn!(failure = failure.with_cause(), "the feed does not open"),
            }
        }
    }

    fn note(&mut self, told: Told) -> Result<()> {
        match told {
            Told::Document {
                table,
                key,
                position,
                after,
            } => self.stream.arrive(arrived(table, key, position, after)),
            Told::Writer(row) => self.note_row(from_raw(WRITERS, &row)?),
            Told::Signal(signal) => {
                // Nobody may be listening.
                drop(self.heard.send(signal));
            }
        }
        Ok(())
    }

    fn note_row(&mut self, row: SlotRow) {
        self.stream.adopt(row.published());
        self.freshness.came_back(&row);
        let is_newer = |(known, _): &(SlotRow, Instant)| known.version() < row.version();
        if self.slots.get(&row.w()).is_none_or(is_newer) {
            self.slots.insert(row.w(), (row, Instant::now()));
        }
    }

    /// Reads what is stored now beyond what has been seen.
    async fn catch_up(&mut self, own: Option<&str>) -> Result<()> {
        let engine = Arc::clone(&self.settler.engine);
        for row in look(engine.as_ref(), &self.stream, own).await? {
            self.note_row(row);
        }
        Ok(())
    }

    /// The node with the lowest slot leads, of those that have been heard of. While nodes disagree,
    /// two lead for a moment.
    fn elect(&self) {
        let now = Instant::now();
        let alive = self.slots.values();
        let alive = alive.filter(|(row, since)| !row.closed && now - *since <= LEASE);
        let alive: Vec<&String> = alive.map(|(row, _)| &row.node).collect();
        replace(&self.roles.lead, alive.first() == Some(&&self.node));
        let mut seen: Vec<String> = alive
            .into_iter()
            .cloned()
            .chain([self.node.clone()])
            .collect();
        seen.sort_unstable();
        seen.dedup();
        replace(&self.roles.seen, seen.into());
    }

    /// Closes the slots of nodes that have not been heard of for a lease. Where our own heartbeats
    /// did not come back all the time, it may be the engine that was silent.
    fn close_the_gone(&mut self) {
        let now = Instant::now();
        if !self.freshness.is_fresh() {
            self.fresh_since = None;
            return;
        }
        if now - *self.fresh_since.get_or_insert(now) <= LEASE {
            return;
        }
        for (row, since) in self.slots.values_mut() {
            let is_gone = !row.closed && row.node != self.node && now - *since > LEASE + GRACE;
            if !is_gone {
                continue;
            }
            // The next attempt, if this one fails, comes after another lease.
            *since = now;
            info!(slot = row.w(), node = row.node, "a node is gone");
            let (settler, row) = (self.settler.clone(), row.clone());
            self.tasks.spawn(async move {
                if let Err(failure) = close(&settler, &row).await {
                    // Another node was faster, or it is back.
                    debug!(failure = failure.with_cause(), "the slot stays as it is");
                }
            });
        }
    }
}

/// Tells of a value that is another than before.
fn replace<T: PartialEq>(told: &watch::Sender<T>, value: T) {
    told.send_if_modified(|known| {
        let is_new = *known != value;
        *known = value;
        is_new
    });
}
