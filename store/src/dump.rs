//! Backups: all documents of all tables at one moment, in files that know no engine.
//!
//! A backup is a folder: per table one file of records (key, then the document as BSON, which knows
//! its own length), and `manifest.json` with counts and checksums, written last. A folder without
//! one is no backup.

mod files;
mod manifest;
mod restore;

use std::path::Path;

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};

use self::{files::TableWriter, manifest::Manifest};
use crate::schema::{SCHEMA, TABLES};
use crate::{Error, Result, Store};

/// What a backup or a restore has moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Tables with documents.
    pub tables: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl Store {
    /// Writes everything that is stored at this moment into a new folder. The store can be used
    /// meanwhile.
    pub async fn backup(&self, folder: &Path) -> Result<Moved> {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let is_empty = std::fs::read_dir(folder)
            .map_err(io(folder))?
            .next()
            .is_none();
        if !is_empty {
            let reason = format!("{} is not empty", folder.display());
            return Err(Error::Unsuitable(reason));
        }
        let mut manifest = Manifest::new(SCHEMA, self.cut().generation());
        let mut pages = self.inner.engine.snapshot();
        let mut open: Option<TableWriter> = None;
        while let Some(page) = pages.next().await {
            let (table, documents) = page?;
            let mut writer = match open.take() {
                Some(writer) if writer.table() == table => writer,
                other => {
                    manifest
                        .tables
                        .extend(other.map(TableWriter::finish).transpose()?);
                    TableWriter::create(folder, table)?
                }
            };
            // A page is at most a few megabytes, and the one task that writes waits for the disk.
            open = Some(blocking(move || writer.write(&documents).map(|()| writer)).await?);
        }
        manifest
            .tables
            .extend(open.map(TableWriter::finish).transpose()?);
        manifest.write(folder)?;
        Ok(manifest.moved())
    }
}

/// Whether the folder holds every table exactly once, and only tables.
fn known_tables(manifest: &Manifest) -> Result<()> {
    let mut names: Vec<_> = manifest.tables.iter().map(|one| &one.name).collect();
    names.sort();
    let before = names.len();
    names.dedup();
    let known = names
        .iter()
        .all(|name| TABLES.iter().any(|table| table.name == **name));
    if before != names.len() || !known {
        return Err(Error::Unsuitable(
            "the backup has unknown tables".to_owned(),
        ));
    }
    Ok(())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error::Unsuitable(format!("{}: {error}", path.display()))
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R> + Send + 'static,
) -> Result<R> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Engine(Box::new(error)))?
}
