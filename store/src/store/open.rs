//! Opening a store.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Inner, Store};
use crate::committer::{Committer, Settler, Stream};
use crate::ring::Ring;
use crate::slot::Slot;
use crate::{Cut, Engine, MongoEngine, Position, RedbEngine, Result};

impl Store {
    /// Opens the embedded engine on the file at `path`, which is created if missing.
    pub async fn open_redb(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_engine(Arc::new(RedbEngine::open(path.as_ref()).await?)).await
    }

    /// Opens a database of a MongoDB replica set.
    pub async fn open_mongodb(uri: &str, database: &str) -> Result<Self> {
        Self::with_engine(Arc::new(MongoEngine::open(uri, database).await?)).await
    }

    /// Opens a store on any engine: checks the schema, takes the writer slot, closes what a crash
    /// left open, and starts the committer.
    pub async fn with_engine(engine: Arc<dyn Engine>) -> Result<Self> {
        let given_up = CancellationToken::new();
        given_up.cancel();
        let settler = Settler {
            engine: Arc::clone(&engine),
            stop: given_up,
        };
        let slot = Slot::take(&settler).await?;
        let start = Position {
            w: slot.w,
            s: slot.last,
        };
        let mut cut = Cut::new(slot.generation);
        cut.advance(start);
        let (publish, cut) = watch::channel(cut);
        let ring = Arc::new(Ring::new(start));
        let tasks = TaskTracker::new();
        let stream = Stream::new(start, Arc::clone(&ring), publish);
        let settler = Settler {
            stop: CancellationToken::new(),
            ..settler
        };
        let committer = Committer::spawn(&tasks, settler, slot, stream);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                committer,
                ring,
                cut,
                tasks,
            }),
        })
    }
}
