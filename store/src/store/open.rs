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

    /// The same with a cache of so many bytes of pages, instead of 16 MiB.
    pub async fn open_redb_with_cache(path: impl AsRef<Path>, cache_bytes: usize) -> Result<Self> {
        let engine = RedbEngine::open_with_cache(path.as_ref(), cache_bytes).await?;
        Self::with_engine(Arc::new(engine)).await
    }

    /// Opens a database of a MongoDB replica set.
    pub async fn open_mongodb(uri: &str, database: &str) -> Result<Self> {
        Self::with_engine(Arc::new(MongoEngine::open(uri, database).await?)).await
    }

    /// Opens the embedded engine's file only to look at it: see [`Store::reading`]. Checksums of the
    /// whole file are verified first.
    pub async fn read_redb(path: impl AsRef<Path>) -> Result<Self> {
        Self::reading(Arc::new(RedbEngine::open_present(path.as_ref()).await?)).await
    }

    /// Opens a database of a MongoDB replica set only to look at it: see [`Store::reading`].
    pub async fn read_mongodb(uri: &str, database: &str) -> Result<Self> {
        Self::reading(Arc::new(MongoEngine::connect(uri, database).await?)).await
    }

    /// Opens a store only to look at it: no writer slot is taken, no document is written, and what
    /// is committed through it fails with [`crate::Error::Closed`].
    pub async fn reading(engine: Arc<dyn Engine>) -> Result<Self> {
        let (generation, last) = Slot::look(engine.as_ref()).await?;
        let mut cut = Cut::new(generation);
        cut.advance(last);
        let (_, cut) = watch::channel(cut);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                committer: Committer::closed(),
                ring: Arc::new(Ring::new(last)),
                cut,
                tasks: TaskTracker::new(),
            }),
        })
    }

    /// Opens a store on any engine: checks the schema, takes the writer slot, closes what a crash
    /// left open, and starts the committer.
    pub async fn with_engine(engine: Arc<dyn Engine>) -> Result<Self> {
        let settler = Settler::for_opening(&engine);
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
