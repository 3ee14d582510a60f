//! Opening a store.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Inner, Store, read_one};
use crate::about::{About, about_key, check_schema};
use crate::committer::{Committer, Settler, Writer};
use crate::follower::{Follower, Roles};
use crate::look::look;
use crate::schema::META;
use crate::signal::{Signals, tell};
use crate::slot::{Slot, SlotRow, rows};
use crate::stream::Stream;
use crate::{Cut, Engine, Error, MongoEngine, Position, RedbEngine, Result};

impl Store {
    /// Opens the embedded engine on the file at `path`, which is created if missing.
    pub async fn open_redb(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_engine(Arc::new(RedbEngine::open(path.as_ref()).await?)).await
    }

    /// The same with a cache of so many bytes of pages, instead of 8 MiB.
    pub async fn open_redb_with_cache(path: impl AsRef<Path>, cache_bytes: usize) -> Result<Self> {
        let engine = RedbEngine::open_with_cache(path.as_ref(), cache_bytes).await?;
        Self::with_engine(Arc::new(engine)).await
    }

    /// Opens a database of a MongoDB replica set. `node` tells us from the other nodes; another
    /// process of the same name takes our place.
    pub async fn open_mongodb(uri: &str, database: &str, node: &str) -> Result<Self> {
        Self::open(Arc::new(MongoEngine::open(uri, database).await?), node).await
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
        let about: Option<About> = read_one(engine.as_ref(), META, about_key()).await?;
        let about = about.ok_or_else(|| Error::Unsuitable("there is no store here".to_owned()))?;
        let (stream, cut) = Stream::new(Cut::new(about.fitting()?));
        look(engine.as_ref(), &stream, None).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                node: String::new(),
                is_shared: false,
                signals: Signals::new().0,
                leads: watch::channel(false).1,
                nodes: watch::channel(Arc::from([])).1,
                committer: Committer::closed(),
                stream: Arc::new(stream),
                cut,
                freshness: Arc::default(),
                tasks: TaskTracker::new(),
            }),
        })
    }

    /// Opens a store on an engine that no other node is on.
    pub async fn with_engine(engine: Arc<dyn Engine>) -> Result<Self> {
        Self::open(engine, "").await
    }

    /// Opens a store on any engine: checks the schema, takes a writer slot, settles what a crash
    /// left open, begins to follow the other nodes, and starts the committer.
    pub async fn open(engine: Arc<dyn Engine>, node: &str) -> Result<Self> {
        let opening = Settler::for_opening(&engine);
        let (stream, cut) = Stream::new(Cut::new(check_schema(&opening).await?));
        // Whatever is written after this is told; whatever was written before is read below.
        let feed = engine.watch().await?;
        let is_shared = feed.is_some();
        let slot = Slot::take(&opening, node, is_shared).await?;
        let (signals, to_tell) = Signals::new();
        let (lead, leads) = watch::channel(!is_shared);
        let (seen, nodes) = watch::channel(Arc::from([node.to_owned()]));
        let writer = Writer {
            settler: Settler {
                stop: CancellationToken::new(),
                ..opening
            },
            slot,
            stream: Arc::new(stream),
            freshness: Arc::default(),
            node: node.to_owned(),
        };
        let (stream, freshness) = (Arc::clone(&writer.stream), Arc::clone(&writer.freshness));
        let tasks = TaskTracker::new();
        match feed {
            None => adopt_all(engine.as_ref(), &writer).await?,
            Some(feed) => {
                let heard = signals.heard.clone();
                let roles = Roles { lead, seen };
                let follower = Follower::start(&writer, heard, roles, tasks.clone()).await?;
                tasks.spawn(follower.run(feed));
                let stop = writer.settler.stop.clone();
                tasks.spawn(tell(Arc::clone(&engine), node.to_owned(), to_tell, stop));
            }
        }
        let stop = writer.settler.stop.clone();
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                node: node.to_owned(),
                is_shared,
                signals,
                leads,
                nodes,
                committer: Committer::spawn(&tasks, writer),
                stream,
                cut,
                freshness,
                tasks,
            }),
        };
        if is_shared {
            let answering = store.clone().answer_others(stop);
            store.inner.tasks.spawn(answering);
        }
        Ok(store)
    }
}

/// Where there is no other node, everything that is stored is settled, and has been seen.
async fn adopt_all(engine: &dyn Engine, writer: &Writer) -> Result<()> {
    let rows = rows(engine).await?;
    let others = rows.values().filter(|row| row.closed);
    let own = Position {
        w: writer.slot.w(),
        s: writer.slot.last,
    };
    writer.stream.adopt(others.map(SlotRow::end).chain([own]));
    Ok(())
}
