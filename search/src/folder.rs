//! The folder of the index: opening it, looking whether it is whole, making it anew.

use std::{fs, path::Path};

use gantry_store::Cut;
use serde::{Deserialize, Serialize};
use tantivy::{
    Index, IndexReader, IndexSettings, ReloadPolicy, directory::MmapDirectory,
    indexer::IndexWriterOptions, store::Compressor,
};

use crate::{
    Error, Result,
    schema::{Fields, VERSION, schema},
};

/// How far the index has come; it is committed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The version of the fields.
    version: u32,
    /// Everything in the stream up to here is in the index, once no room is left to be read.
    pub(crate) cursor: String,
    /// Rooms whose logs are still to be read.
    pub(crate) rebuild: Option<Rebuild>,
}

/// How far the logs of rooms have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rebuild {
    /// The last room that was read to its end, in the order of the list.
    pub(crate) after: Option<String>,
}

impl Progress {
    /// Nothing was read; what comes after the cut will be followed.
    pub(crate) fn beginning(cut: &Cut) -> Self {
        Self {
            version: VERSION,
            cursor: cut.to_string(),
            rebuild: Some(Rebuild::default()),
        }
    }

    /// The cursor as a cut; `None`: not one of this store as it is now.
    pub(crate) fn cut(&self, now: &Cut) -> Option<Cut> {
        let cut: Cut = self.cursor.parse().ok()?;
        (cut.generation() == now.generation()).then_some(cut)
    }
}

/// An open index.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) index: Index,
    pub(crate) reader: IndexReader,
    pub(crate) fields: Fields,
}

impl Opened {
    /// Opens the index of a folder if it is whole and of this schema, and says how far it has come.
    pub(crate) fn open(folder: &Path) -> Result<Option<(Self, Progress)>> {
        let (expected, _) = schema();
        if !folder.join("meta.json").is_file() {
            return Ok(None);
        }
        let index = Index::open_in_dir(folder)?;
        let meta = index.load_metas()?;
        let progress = meta
            .payload
            .as_deref()
            .map(serde_json::from_str::<Progress>);
        let Some(Ok(progress)) = progress else {
            return Ok(None);
        };
        if index.schema() != expected || progress.version != VERSION {
            return Ok(None);
        }
        // What is damaged is found now, not in front of a user.
        let damaged = index.validate_checksum()?;
        if !damaged.is_empty() {
            tracing::warn!(files = damaged.len(), "the search index is damaged");
            return Ok(None);
        }
        Ok(Some((Self::of(index)?, progress)))
    }

    /// Makes an empty index in the folder, whatever is there.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::Folder(error));
            }
            _ => fs::create_dir_all(folder).map_err(Error::Folder)?,
        }
        let directory = MmapDirectory::open(folder).map_err(tantivy::TantivyError::from)?;
        let (schema, _) = schema();
        // Nothing is stored beside the index, so there is nothing to compress.
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        Self::of(Index::create(directory, schema, settings)?)
    }

    fn of(index: Index) -> Result<Self> {
        let (_, fields) = schema();
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(0)
            .try_into()?;
        Ok(Self {
            index,
            reader,
            fields,
        })
    }

    /// What a writer may use: one thread, and the least memory that there can be.
    pub(crate) fn writer_options() -> IndexWriterOptions {
        IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build()
    }
}
