//! The store: what every other crate holds.

mod changes;
mod codec;
mod open;
mod read;
mod write;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

pub(crate) use self::changes::{position_from, position_of};
pub use self::codec::{from_raw, to_document};
use crate::committer::Committer;
use crate::ring::Ring;
use crate::{Cut, Engine};

/// Typed tables, one group committer, and the stream of what was committed. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Arc<dyn Engine>,
    committer: Committer,
    ring: Arc<Ring>,
    cut: watch::Receiver<Cut>,
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

    /// Commits what is queued, gives the writer slot back and closes the engine. What is committed
    /// after this fails.
    pub async fn shutdown(&self) {
        self.inner.committer.stop();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.engine.close().await;
    }
}
