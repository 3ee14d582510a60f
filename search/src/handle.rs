//! The handle, and what it shares with the task that keeps the index.

use std::{path::PathBuf, sync::Arc, time::Duration};

use gantry_rooms::{Cut, Rooms};
use parking_lot::RwLock;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Error, Found, Question, Result, folder::Opened, follow::Follower};

/// Questions that are worked on at once; others wait.
const CONCURRENCY: usize = 2;
/// How long a search waits for what is new to be taken in.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the index is made of.
#[derive(Clone)]
pub struct SearchConfig {
    /// The folder of the index. Nothing else may be in it.
    pub folder: PathBuf,
    /// Whose logs are followed.
    pub rooms: Rooms,
    /// Where tasks are started.
    pub tracker: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// The index. Cheap to clone.
#[derive(Clone)]
pub struct Search(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: SearchConfig,
    /// The open index; `None` while it is being opened or made anew. Held for copies.
    opened: RwLock<Option<Opened>>,
    /// Everything up to here can be found; `None`: logs are still being read.
    found: watch::Sender<Option<Cut>>,
    permits: Semaphore,
    /// Somebody wants to find what is new.
    pub(crate) wanted: Notify,
    /// A question failed: the index may be damaged.
    pub(crate) suspect: Notify,
}

impl Search {
    /// An index that does nothing yet.
    pub fn new(config: SearchConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            opened: RwLock::new(None),
            found: watch::Sender::new(None),
            permits: Semaphore::new(CONCURRENCY),
            wanted: Notify::new(),
            suspect: Notify::new(),
        }))
    }

    /// Follows the stream from where it was left. To be called once.
    pub fn start(&self) {
        let follower = Follower::new(Arc::clone(&self.0));
        self.0.config.tracker.spawn(follower.run());
    }

    /// Has the index take in what is new, and waits for it, but not for long: where there is too much,
    /// what is there can be asked. To be called once before the questions of a search.
    pub async fn renew(&self) {
        let now = self.0.config.rooms.store_cut();
        let _in_time = tokio::time::timeout(PATIENCE, self.caught_up(&now)).await;
    }

    /// Asks the index as it is.
    pub async fn ask(&self, question: Question) -> Result<Found> {
        let permit = self.0.permits.acquire().await;
        let _permit = permit.map_err(|_| Error::NotReady)?;
        let opened = self.0.opened.read().clone().ok_or(Error::NotReady)?;
        let task = self
            .0
            .config
            .tracker
            .spawn_blocking(move || question.ask(&opened));
        let answer = task.await.unwrap_or(Err(Error::BrokeOff));
        if answer.is_err() {
            self.0.suspect.notify_one();
        }
        answer
    }

    /// Waits until everything up to a cut can be found.
    pub async fn caught_up(&self, cut: &Cut) {
        self.0.wanted.notify_one();
        let mut found = self.0.found.subscribe();
        let reached = |found: &Option<Cut>| {
            let found = found.as_ref();
            found.is_some_and(|found| cut.marks().all(|mark| found.contains(mark)))
        };
        // The sender lives as long as this handle.
        let _ended = found.wait_for(reached).await;
    }
}

impl Inner {
    pub(crate) fn set_opened(&self, opened: Option<Opened>) {
        *self.opened.write() = opened;
    }

    pub(crate) fn set_found(&self, cut: Option<&Cut>) {
        self.found.send_replace(cut.cloned());
    }
}
