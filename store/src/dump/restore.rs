//! Putting a backup into an empty store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bson::Document;

use super::files::{TableReader, verify};
use super::manifest::Manifest;
use super::{Moved, blocking, known_tables};
use crate::about::{About, about_key, begin_restore, end_restore, is_about};
use crate::committer::Settler;
use crate::schema::{META, SCHEMA, TABLES};
use crate::{
    Engine, Error, MongoEngine, Op, Projection, RedbEngine, Result, Scan, Store, Stored, Table,
    Verdict,
};

/// Documents and bytes of one command.
const MAX_OPS: usize = 500;
const MAX_BYTES: usize = 4 << 20;

impl Store {
    /// Puts a backup into a file of the embedded engine, which must be new or empty. `now_ms` makes
    /// the new generation: positions from before are refused, also those of other restores.
    pub async fn restore_redb(path: &Path, folder: &Path, now_ms: i64) -> Result<Moved> {
        let manifest = verified(folder).await?;
        let engine = RedbEngine::open(path).await?;
        restore(Arc::new(engine), folder, manifest, now_ms).await
    }

    /// Puts a backup into an empty database of MongoDB.
    pub async fn restore_mongodb(
        uri: &str,
        database: &str,
        folder: &Path,
        now_ms: i64,
    ) -> Result<Moved> {
        let manifest = verified(folder).await?;
        let engine = MongoEngine::open(uri, database).await?;
        restore(Arc::new(engine), folder, manifest, now_ms).await
    }
}

/// The manifest, after every file was found to be the one that it names.
async fn verified(folder: &Path) -> Result<Manifest> {
    let folder = folder.to_owned();
    blocking(move || {
        let manifest = Manifest::read(&folder)?;
        if manifest.schema > SCHEMA {
            return Err(Error::Unsuitable(format!(
                "the backup has schema {}, this program knows up to {SCHEMA}: use a newer program",
                manifest.schema
            )));
        }
        known_tables(&manifest)?;
        for file in &manifest.tables {
            verify(&folder, file)?;
        }
        Ok(manifest)
    })
    .await
}

async fn restore(
    engine: Arc<dyn Engine>,
    folder: &Path,
    manifest: Manifest,
    now_ms: i64,
) -> Result<Moved> {
    require_empty(engine.as_ref()).await?;
    let settler = Settler::for_opening(&engine);
    let next = manifest.generation.saturating_add(1);
    let about = About {
        schema: manifest.schema,
        generation: next.max((now_ms / 1000) as u32),
        restoring: None,
    };
    apply(&settler, vec![begin_restore(&about)?]).await?;
    for file in &manifest.tables {
        let table = crate::schema::table(&file.name)
            .ok_or_else(|| Error::Unsuitable(format!("unknown table {}", file.name)))?;
        restore_table(&settler, folder.to_owned(), table).await?;
    }
    apply(&settler, vec![end_restore(&about)?]).await?;
    engine.close().await;
    Ok(manifest.moved())
}

async fn restore_table(settler: &Settler, folder: PathBuf, table: &'static Table) -> Result<()> {
    let mut reader = blocking(move || TableReader::open(&folder, table)).await?;
    loop {
        let (page, rest) = blocking(move || Ok((next_page(&mut reader)?, reader))).await?;
        reader = rest;
        if page.is_empty() {
            return Ok(());
        }
        let ops = page
            .into_iter()
            .filter(|one| !is_about(table, &one.key))
            .map(|one| insert(table, one))
            .collect::<Result<Vec<_>>>()?;
        apply(settler, ops).await?;
    }
}

fn next_page<R: std::io::Read>(reader: &mut TableReader<R>) -> Result<Vec<Stored>> {
    let mut page = Vec::new();
    let mut bytes = 0;
    while page.len() < MAX_OPS
        && bytes < MAX_BYTES
        && let Some(one) = reader.next()?
    {
        bytes += one.doc.as_bytes().len();
        page.push(one);
    }
    Ok(page)
}

fn insert(table: &'static Table, one: Stored) -> Result<Op> {
    let doc = Document::try_from(one.doc).map_err(|error| Error::malformed(table, error))?;
    Ok(Op::Insert {
        table,
        key: one.key,
        doc,
    })
}

async fn apply(settler: &Settler, ops: Vec<Op>) -> Result<()> {
    if ops.is_empty() {
        return Ok(());
    }
    let settled = settler.settle(Arc::from([ops])).await?;
    let refused = settled.iter().flatten().any(|one| *one != Verdict::Applied);
    if refused {
        return Err(Error::Unsuitable(
            "the backup contradicts itself".to_owned(),
        ));
    }
    Ok(())
}

async fn require_empty(engine: &dyn Engine) -> Result<()> {
    let about = engine
        .get_many(META, &[about_key()], Projection::Full)
        .await?;
    let mut is_empty = about.iter().all(Option::is_none);
    for table in TABLES.iter().copied() {
        let scan = Scan::prefix(&[]).limit(1).resolve(table)?;
        let found = engine.scan_many(table, &[scan]).await?;
        is_empty &= found.iter().all(Vec::is_empty);
    }
    if is_empty {
        return Ok(());
    }
    let reason = "there is a store already: restore into an empty one";
    Err(Error::Unsuitable(reason.to_owned()))
}
