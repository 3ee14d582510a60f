//! The engine on a MongoDB replica set: one collection per table.
//!
//! `_id` is the key as generic binary; the other fields are the document's own, so that an operator
//! can read them. Every write is acknowledged by a journaled majority, every read is of majority
//! data, and no statement needs more than one document to be atomic.

mod apply;
mod command;
mod failure;
mod feed;
mod keyed;
mod open;
mod query;
mod snapshot;

use std::sync::Arc;

use async_trait::async_trait;
use bson::{Document, RawDocumentBuf, doc};
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _};
use mongodb::{Client, Collection, Database};

use self::failure::failed;
use crate::schema::TABLES;
use crate::{Engine, Feed, Key, Op, Projection, Result, Scan, Settled, Snapshot, Stored, Table};

/// Keys asked for in one statement.
const KEYS_AT_ONCE: usize = 1_000;

/// Documents asked for in one answer; more come in further answers.
const ANSWER: usize = 5_000;

/// The engine on a MongoDB replica set.
pub struct MongoEngine {
    client: Client,
    database: Database,
}

impl MongoEngine {
    fn collection(&self, table: &'static Table) -> Collection<RawDocumentBuf> {
        self.database.collection(table.name)
    }

    async fn get_some(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        let collection = self.collection(table);
        let mut find = collection
            .find(query::by_keys(keys))
            .batch_size(keys.len() as u32 + 1);
        if let Some(fields) = query::fields(table, projection) {
            find = find.projection(fields);
        }
        let found: Vec<RawDocumentBuf> = find
            .await
            .map_err(failed)?
            .try_collect()
            .await
            .map_err(failed)?;
        keyed::in_order(table, keys, found)
    }

    async fn scan_one(&self, table: &'static Table, scan: &Scan) -> Result<Vec<Stored>> {
        if scan.limit == 0 {
            // To the server, 0 is no limit.
            return Ok(Vec::new());
        }
        let query = query::of_scan(table, scan)?;
        let collection = self.collection(table);
        let mut find = collection
            .find(query.filter)
            .sort(query.sort)
            .hint(query.hint)
            .batch_size(scan.limit.min(ANSWER) as u32);
        if let Ok(limit) = i64::try_from(scan.limit) {
            find = find.limit(limit);
        }
        if let Some(fields) = query::fields(table, scan.projection) {
            find = find.projection(fields);
        }
        let found = find.await.map_err(failed)?;
        found
            .map(|doc| keyed::split(table, doc.map_err(failed)?))
            .try_collect()
            .await
    }
}

#[async_trait]
impl Engine for MongoEngine {
    async fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        let parts = keys
            .chunks(KEYS_AT_ONCE)
            .map(|some| self.get_some(table, some, projection));
        Ok(try_join_all(parts).await?.concat())
    }

    async fn scan_many(&self, table: &'static Table, scans: &[Scan]) -> Result<Vec<Vec<Stored>>> {
        try_join_all(scans.iter().map(|scan| self.scan_one(table, scan))).await
    }

    async fn apply(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled> {
        self.apply_batches(&batches).await
    }

    async fn take_one(&self, table: &'static Table, prefix: &[u8]) -> Result<Option<Stored>> {
        let query = query::of_scan(table, &Scan::prefix(prefix).resolve(table)?)?;
        let collection = self.collection(table);
        let taken = collection
            .find_one_and_delete(query.filter)
            .sort(query.sort)
            .hint(query.hint);
        taken
            .await
            .map_err(failed)?
            .map(|doc| keyed::split(table, doc))
            .transpose()
    }

    async fn watch(&self) -> Result<Option<Feed>> {
        feed::open(&self.database).await.map(Some)
    }

    fn snapshot(&self) -> Snapshot {
        snapshot::of(self.client.clone(), self.database.clone())
    }

    async fn check(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for table in TABLES {
            // In the background it does not stop writers.
            let command = doc! { "validate": table.name, "background": true };
            let said = self.database.run_command(command).await;
            let said = said.map_err(failed)?;
            if !said.get_bool("valid").unwrap_or(false) {
                let errors = said.get_array("errors").cloned().unwrap_or_default();
                found.push(format!("collection {}: {errors:?}", table.name));
            }
        }
        Ok(found)
    }

    async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}

/// A document of one field.
fn single(field: &str, value: impl Into<bson::Bson>) -> Document {
    let mut doc = Document::new();
    doc.insert(field, value);
    doc
}
