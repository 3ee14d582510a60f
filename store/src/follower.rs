//! Following what other nodes write, and closing the slots of those that are gone.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bson::Bson;
use futures::StreamExt as _;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::TaskTracker;
use tracing::{debug, info, warn};

use crate::committer::Settler;
use crate::ring::Change;
use crate::schema::{DATA, WRITERS, is_filler};
use crate::slot::{SlotRow, close, rows, stream_tables};
use crate::store::{after_of, from_raw, position_of};
use crate::stream::{Arrived, Stream};
use crate::{Engine, Feed, Key, Position, Projection, Result, Scan, Signal, Stored, Table, Told};

/// A node tells the others so often that it is there.
pub(crate) const BEAT: Duration = Duration::from_secs(1);
/// A node that has not been heard of for so long is gone. What is kept in memory may be used for so
/// long after a heartbeat that has come back.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// Clocks do not run at the same rate.
const GRACE: Duration = Duration::from_millis(500);
/// How often it is looked who is gone.
const LOOK: Duration = Duration::from_secs(1);
/// The pause before a broken feed is opened again.
const PAUSE: Duration = Duration::from_millis(200);
/// Documents of one page.
const PAGE: usize = 5_000;

/// Whether what this node keeps in memory may be used: its heartbeats come back to it.
#[derive(Default)]
pub(crate) struct Freshness(Mutex<Beats>);

#[derive(Default)]
struct Beats {
    /// Version of our row, and when it was sent.
    sent: VecDeque<(u16, i64, Instant)>,
    until: Option<Instant>,
}

impl Freshness {
    /// Notes a heartbeat that is about to be sent.
    pub(crate) fn sending(&self, w: u16, version: i64) {
        let mut beats = self.lock();
        beats.sent.push_back((w, version, Instant::now()));
        // Those that never come back, because another version took their place.
        if beats.sent.len() > 64 {
            beats.sent.pop_front();
        }
    }

    /// Notes that a row has come back.
    fn came_back(&self, row: &SlotRow) {
        let mut beats = self.lock();
        let is_this =
            |(w, version, _): &(u16, i64, Instant)| (*w, *version) == (row.w(), row.version());
        if let Some(at) = beats.sent.iter().position(is_this) {
            let until = beats.sent[at].2 + LEASE;
            beats.until = beats.until.max(Some(until));
            beats.sent.drain(..=at);
        }
    }

    /// Whether the newest heartbeat that has come back was sent within a lease.
    pub(crate) fn is_fresh(&self) -> bool {
        self.lock()
            .until
            .is_some_and(|until| Instant::now() < until)
    }

    fn lock(&self) -> MutexGuard<'_, Beats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a follower works with.
pub(crate) struct Parts {
    pub(crate) settler: Settler,
    /// Who we are among the nodes.
    pub(crate) node: String,
    pub(crate) stream: Arc<Stream>,
    pub(crate) freshness: Arc<Freshness>,
    pub(crate) signals: broadcast::Sender<Signal>,
    /// Whether this node is the one that does what one node does for all.
    pub(crate) leads: watch::Sender<bool>,
    pub(crate) tasks: TaskTracker,
}

/// The task that follows.
pub(crate) struct Follower {
    parts: Parts,
    /// The rows of all slots, and since when they have been so.
    slots: BTreeMap<u16, (SlotRow, Instant)>,
    /// Since when our own heartbeats have come back.
    fresh_since: Option<Instant>,
}

impl Follower {
    /// Reads what is stored now.
    pub(crate) async fn start(parts: Parts) -> Result<Self> {
        let own = parts.node.clone();
        let mut follower = Self {
            parts,
            slots: BTreeMap::new(),
            fresh_since: None,
        };
        follower.catch_up(Some(&own)).await?;
        Ok(follower)
    }

    /// Follows until the store stops.
    pub(crate) async fn run(mut self, mut feed: Feed) {
        let stop = self.parts.settler.stop.clone();
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
                    Err(failure) => failure.to_string(),
                },
                Some(Err(failure)) => failure.to_string(),
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
            let opened = match self.parts.settler.engine.watch().await {
                Ok(Some(feed)) => self.catch_up(None).await.map(|()| feed),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match opened {
                Ok(feed) => return feed,
                Err(failure) => warn!(failure = failure.to_string(), "the feed does not open"),
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
            } => self
                .parts
                .stream
                .arrive(arrived(table, key, position, after)),
            Told::Writer(row) => self.note_row(from_raw(WRITERS, &row)?),
            Told::Signal(signal) => {
                // Nobody may be listening.
                drop(self.parts.signals.send(signal));
            }
        }
        Ok(())
    }

    fn note_row(&mut self, row: SlotRow) {
        self.parts.stream.adopt(row.published());
        self.parts.freshness.came_back(&row);
        let is_newer = |(known, _): &(SlotRow, Instant)| known.version() < row.version();
        if self.slots.get(&row.w()).is_none_or(is_newer) {
            self.slots.insert(row.w(), (row, Instant::now()));
        }
    }

    /// Reads what is stored now beyond what has been seen.
    async fn catch_up(&mut self, own: Option<&str>) -> Result<()> {
        let engine = Arc::clone(&self.parts.settler.engine);
        for row in look(engine.as_ref(), &self.parts.stream, own).await? {
            self.note_row(row);
        }
        Ok(())
    }

    /// The node with the lowest slot leads, of those that have been heard of. While nodes disagree,
    /// two lead for a moment.
    fn elect(&self) {
        let now = Instant::now();
        let mut alive = self
            .slots
            .values()
            .filter(|(row, since)| !row.closed && now - *since <= LEASE);
        let leads = alive
            .next()
            .is_some_and(|(row, _)| row.node == self.parts.node);
        self.parts.leads.send_if_modified(|known| {
            let is_new = *known != leads;
            *known = leads;
            is_new
        });
    }

    /// Closes the slots of nodes that have not been heard of for a lease. Where our own heartbeats
    /// did not come back all the time, it may be the engine that was silent.
    fn close_the_gone(&mut self) {
        let now = Instant::now();
        if !self.parts.freshness.is_fresh() {
            self.fresh_since = None;
            return;
        }
        if now - *self.fresh_since.get_or_insert(now) <= LEASE {
            return;
        }
        for (row, since) in self.slots.values_mut() {
            let is_gone =
                !row.closed && row.node != self.parts.node && now - *since > LEASE + GRACE;
            if !is_gone {
                continue;
            }
            // The next attempt, if this one fails, comes after another lease.
            *since = now;
            info!(slot = row.w(), node = row.node, "a node is gone");
            let (settler, row) = (self.parts.settler.clone(), row.clone());
            self.parts.tasks.spawn(async move {
                if let Err(failure) = close(&settler, &row).await {
                    // Another node was faster, or it is back.
                    debug!(failure = failure.to_string(), "the slot stays as it is");
                }
            });
        }
    }
}

/// Reads the slots, and the documents beyond what a stream has. `own` is the node whose slot was
/// taken just now, and nothing written in it.
///
/// That a slot is closed says that its numbers are settled, not that what they follow in their rooms
/// is: only where nobody writes, the ends of all slots are a cut.
pub(crate) async fn look(
    engine: &dyn Engine,
    stream: &Stream,
    own: Option<&str>,
) -> Result<Vec<SlotRow>> {
    let rows: Vec<SlotRow> = rows(engine).await?.into_values().collect();
    stream.adopt(rows.iter().flat_map(SlotRow::published));
    let is_still = |row: &SlotRow| row.closed || own == Some(row.node.as_str());
    if rows.iter().all(is_still) {
        stream.adopt(rows.iter().map(SlotRow::end));
    }
    for row in &rows {
        let from = Position {
            w: row.w(),
            s: stream.cut().mark(row.w()),
        };
        if from.s < row.end().s {
            for table in stream_tables() {
                read_slot(engine, stream, table, from).await?;
            }
        }
    }
    Ok(rows)
}

/// Reads the documents of a slot behind a position.
async fn read_slot(
    engine: &dyn Engine,
    stream: &Stream,
    table: &'static Table,
    mut from: Position,
) -> Result<()> {
    loop {
        let mut scan = Scan::index("ws", vec![Bson::Int64(from.w.into())])
            .between(
                Bound::Excluded(Bson::Int64(from.s as i64)),
                Bound::Unbounded,
            )
            .limit(PAGE);
        scan.projection = Projection::Position;
        let found = engine.scan_many(table, &[scan.resolve(table)?]).await?;
        let page: Vec<Stored> = found.into_iter().flatten().collect();
        let is_last = page.len() < PAGE;
        for one in page {
            from = position_of(table, &one.doc)?;
            let after = after_of(table, &one.doc)?;
            stream.arrive(arrived(table, one.key, from, after));
        }
        if is_last {
            return Ok(());
        }
    }
}

/// A document as the stream takes it in. A filler of [`DATA`] only keeps late writes out.
fn arrived(
    table: &'static Table,
    key: Key,
    position: Position,
    after: Option<Position>,
) -> Option<Arrived> {
    let is_filler = is_filler(table, &key);
    if is_filler && table == DATA {
        return None;
    }
    let change = Change {
        position,
        table,
        key,
    };
    Some(Arrived {
        position,
        change: (!is_filler).then_some(change),
        after,
    })
}
