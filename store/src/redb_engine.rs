//! The embedded engine: one redb file, one redb table per table and per index.

mod encode;
mod indexes;
mod reader;
mod snapshot;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bson::RawDocumentBuf;
use redb::{Builder, Database, DatabaseError, ReadableDatabase as _, TableDefinition};

use self::reader::Reader;
use self::writer::Writer;
use crate::schema::TABLES;
use crate::{
    Engine, Error, Feed, Index, Key, Op, Projection, Result, Scan, Settled, Snapshot, Stored,
    Table, Verdict,
};

/// Pages kept in memory; what is not among them is mostly in the cache of the operating system. redb's
/// own default is 1 GB.
const DEFAULT_CACHE_BYTES: usize = 8 << 20;

/// Where less is free on the disk nothing is written: redb can only be opened anew after a write that
/// failed. One command to the engine needs less.
const MIN_FREE_BYTES: u64 = 32 << 20;

type Definition<'n> = TableDefinition<'n, &'static [u8], &'static [u8]>;

/// The embedded engine.
pub struct RedbEngine {
    database: Arc<Database>,
    /// The folder of the file, on whose disk there has to be room.
    folder: Option<PathBuf>,
}

impl RedbEngine {
    /// Opens the file at `path`, which is created if missing; builds missing indexes.
    pub async fn open(path: &Path) -> Result<Self> {
        Self::open_with_cache(path, DEFAULT_CACHE_BYTES).await
    }

    /// The same with a cache of so many bytes of pages.
    pub async fn open_with_cache(path: &Path, cache_bytes: usize) -> Result<Self> {
        let path = path.to_owned();
        let folder = path.parent().map(Path::to_owned);
        let database = blocking(move || {
            let opened = Builder::new().set_cache_size(cache_bytes).create(&path);
            let database = opened.map_err(|error| in_use_or_failed(&path, error))?;
            create_tables(&database)?;
            Ok(database)
        })
        .await?;
        Ok(Self {
            database: Arc::new(database),
            folder,
        })
    }

    /// Opens a file that is there, without a write to it, after its checksums were verified. What a
    /// crash has left undone is undone, as at every opening.
    pub async fn open_present(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let database = blocking(move || {
            let mut database = Builder::new()
                .set_cache_size(DEFAULT_CACHE_BYTES)
                .open(&path)
                .map_err(|error| in_use_or_failed(&path, error))?;
            let damaged = |what| Error::Unsuitable(format!("{}: {what}", path.display()));
            match database.check_integrity() {
                Ok(true) => Ok(database),
                Ok(false) => Err(damaged("the file was damaged and has been repaired")),
                Err(DatabaseError::Storage(error)) => Err(damaged(&error.to_string())),
                Err(error) => Err(failed(error)),
            }
        })
        .await?;
        Ok(Self {
            database: Arc::new(database),
            folder: None,
        })
    }

    /// The engine on another storage than a file.
    #[cfg(feature = "testing")]
    pub async fn on(backend: impl redb::StorageBackend) -> Result<Self> {
        let database = blocking(move || {
            let database = Builder::new()
                .set_cache_size(DEFAULT_CACHE_BYTES)
                .create_with_backend(backend)
                .map_err(failed)?;
            create_tables(&database)?;
            Ok(database)
        })
        .await?;
        Ok(Self {
            database: Arc::new(database),
            folder: None,
        })
    }

    async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let database = Arc::clone(&self.database);
        blocking(move || work(&Reader::new(database.begin_read().map_err(failed)?))).await
    }

    async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        let database = Arc::clone(&self.database);
        blocking(move || {
            let transaction = database.begin_write().map_err(failed)?;
            let mut writer = Writer::new(&transaction);
            let result = work(&mut writer)?;
            drop(writer);
            transaction.commit().map_err(failed)?;
            Ok(result)
        })
        .await
    }
}

#[async_trait]
impl Engine for RedbEngine {
    async fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        let keys = keys.to_vec();
        self.read(move |reader| reader.get_many(table, &keys, projection))
            .await
    }

    async fn scan_many(&self, table: &'static Table, scans: &[Scan]) -> Result<Vec<Vec<Stored>>> {
        let scans = scans.to_vec();
        self.read(move |reader| scans.iter().map(|scan| reader.scan(table, scan)).collect())
            .await
    }

    async fn apply(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled> {
        self.write(move |writer| {
            batches
                .iter()
                .map(|batch| apply_batch(writer, batch))
                .collect()
        })
        .await
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
        let prefix = prefix.to_vec();
        self.write(move |writer| writer.take_first(table, &prefix))
            .await
    }

    async fn watch(&self) -> Result<Option<Feed>> {
        Ok(None)
    }

    fn require_room(&self) -> Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        // Where the system does not tell, the write itself will.
        match rustix::fs::statvfs(folder) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < MIN_FREE_BYTES => {
                Err(Error::Full)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn snapshot(&self) -> Snapshot {
        snapshot::of(Arc::clone(&self.database))
    }

    async fn check(&self) -> Result<Vec<String>> {
        self.read(|reader| {
            let mut found = Vec::new();
            for table in TABLES.iter().copied() {
                for index in table.indexes {
                    found.extend(reader.check_index(table, index)?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn close(&self) {}
}

fn apply_batch(writer: &mut Writer<'_>, batch: &[Op]) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::with_capacity(batch.len());
    for op in batch {
        let verdict = writer.apply(op)?;
        verdicts.push(verdict);
        if verdict != Verdict::Applied {
            break;
        }
    }
    verdicts.resize(batch.len(), Verdict::NotReached);
    Ok(verdicts)
}

/// Creates what is missing. An index that is new to a table with documents is filled.
fn create_tables(database: &Database) -> Result<()> {
    let transaction = database.begin_write().map_err(failed)?;
    let present: Vec<String> = {
        use redb::TableHandle as _;
        transaction
            .list_tables()
            .map_err(failed)?
            .map(|table| table.name().to_owned())
            .collect()
    };
    let mut writer = Writer::new(&transaction);
    for table in TABLES.iter().copied() {
        writer.create(table)?;
        for index in table.indexes {
            if !present.contains(&index_name(table, index)) {
                writer.fill(table, index)?;
            }
        }
    }
    drop(writer);
    transaction.commit().map_err(failed)
}

fn in_use_or_failed(path: &Path, error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen => {
            Error::Unsuitable(format!("{} is in use by another process", path.display()))
        }
        other => failed(other),
    }
}

fn index_name(table: &Table, index: &Index) -> String {
    format!("{}/{}", table.name, index.name)
}

/// Runs file access off the threads that serve the network.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Engine(Box::new(error)))?
}

fn failed(error: impl Into<redb::Error>) -> Error {
    Error::Engine(Box::new(error.into()))
}
