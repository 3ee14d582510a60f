//! What a backup says of itself.

use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Moved, io};
use crate::{Error, Result};

/// The version of the files' layout.
const FORMAT: u32 = 1;

const NAME: &str = "manifest.json";

/// The contents of `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of the files' layout.
    format: u32,
    /// The version of the stored layout.
    pub(super) schema: i64,
    /// The store's generation when the backup was made.
    pub(super) generation: u32,
    /// The tables that have documents.
    pub(super) tables: Vec<TableFile>,
}

/// A table's file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableFile {
    /// The table's name; the file is called so, too.
    pub(super) name: String,
    /// Documents.
    pub(super) documents: u64,
    /// The file's length.
    pub(super) bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn new(schema: i64, generation: u32) -> Self {
        Self {
            format: FORMAT,
            schema,
            generation,
            tables: Vec::new(),
        }
    }

    pub(super) fn moved(&self) -> Moved {
        Moved {
            tables: self.tables.len() as u64,
            documents: self.tables.iter().map(|one| one.documents).sum(),
            bytes: self.tables.iter().map(|one| one.bytes).sum(),
        }
    }

    /// Writes it; only then is the backup complete.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Error::Engine(Box::new(error)))?;
        let draft = folder.join("manifest.json.part");
        let mut file = std::fs::File::create(&draft).map_err(io(&draft))?;
        file.write_all(&text).map_err(io(&draft))?;
        file.sync_all().map_err(io(&draft))?;
        std::fs::rename(&draft, folder.join(NAME)).map_err(io(&draft))?;
        let opened = std::fs::File::open(folder).map_err(io(folder))?;
        opened.sync_all().map_err(io(folder))
    }

    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = std::fs::read(&path).map_err(io(&path))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| Error::Unsuitable(format!("{}: {error}", path.display())))?;
        if manifest.format != FORMAT {
            let reason = format!("{}: another format than {FORMAT}", path.display());
            return Err(Error::Unsuitable(reason));
        }
        Ok(manifest)
    }
}
