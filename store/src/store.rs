//! The store: what every other crate holds.

mod changes;
mod codec;
mod open;
mod read;
mod write;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub(crate) use self::changes::{after_of, position_from, position_of};
pub use self::codec::{from_raw, to_document};
pub(crate) use self::codec::{read_all, read_one};
use crate::committer::Committer;
use crate::freshness::Freshness;
use crate::parts::Nodes;
use crate::signal::Signals;
use crate::stream::Stream;
use crate::{Cut, Engine};

/// Typed tables, one group committer, and the stream of what was committed. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    /// Who we are among the nodes.
    pub(crate) node: String,
    /// Whether there can be other nodes.
    pub(crate) is_shared: bool,
    pub(crate) signals: Signals,
    leads: watch::Receiver<bool>,
    pub(crate) nodes: watch::Receiver<Nodes>,
    committer: Committer,
    stream: Arc<Stream>,
    cut: watch::Receiver<Cut>,
    freshness: Arc<Freshness>,
    tasks: TaskTracker,
}

impl Store {
    /// How far everything is committed and can be read.
    pub fn cut(&self) -> Cut {
        self.inner.cut.borrow().clone()
    }

    /// Tells whenever the cut has moved.
    pub fn subscribe(&self) -> watch::Receiver<Cut> {
        self.inner.cut.clone()
    }

    /// Whether there can be other nodes on this store.
    pub fn is_shared(&self) -> bool {
        self.inner.is_shared
    }

    /// Whether this node does what one node does for all. Where there are no others, it always does;
    /// among several, two may for a moment.
    pub fn leads(&self) -> watch::Receiver<bool> {
        self.inner.leads.clone()
    }

    /// Whether what was read once and has not been heard of since may still be used: no other node
    /// can have changed it without our knowing. Otherwise it must be read again.
    pub fn is_fresh(&self) -> bool {
        !self.inner.is_shared || self.inner.freshness.is_fresh()
    }

    /// Waits until nothing is committed any more: after [`shutdown`](Self::shutdown), or because the
    /// engine has failed for good.
    pub async fn ended(&self) {
        self.inner.committer.ended().await;
    }

    /// Commits what is queued, gives the writer slot back and closes the engine. What is committed
    /// after this fails.
    pub async fn shutdown(&self) {
        self.inner.committer.stop();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.engine.close().await;
    }
}
