//! Single statements that write, and what stands in the way of one.

use bson::Document;

use super::failure::{Refusal, failed, refusal};
use super::query::{id, in_index};
use super::{MongoEngine, keyed, single};
use crate::{Index, Key, Op, Result, Table, Verdict};

/// What a statement did with one operation.
pub(super) enum Answer {
    /// This.
    Verdict(Verdict),
    /// It was refused for something that a majority does not have (any more): send it again.
    Again,
}

impl MongoEngine {
    /// Runs one operation that is not an insert.
    pub(super) async fn run_single(&self, op: &Op) -> Result<Answer> {
        let (table, key) = (op.table(), op.key());
        let collection = self.collection(table);
        let mut filter = single("_id", id(key));
        let replaced = match op {
            Op::Delete { .. } => {
                collection.delete_one(filter).await.map_err(failed)?;
                return Ok(Answer::Verdict(Verdict::Applied));
            }
            Op::Insert { doc, .. }
            | Op::PutIf {
                doc,
                expected: None,
                ..
            } => {
                let doc = keyed::join(table, key, doc)?;
                collection.insert_one(doc).await.map(|_| true)
            }
            Op::Put { doc, .. } => {
                let doc = keyed::join(table, key, doc)?;
                collection
                    .replace_one(filter, doc)
                    .upsert(true)
                    .await
                    .map(|_| true)
            }
            Op::PutIf { doc, expected, .. } => {
                let doc = keyed::join(table, key, doc)?;
                filter.insert("v", *expected);
                let replaced = collection.replace_one(filter, doc).await;
                replaced.map(|result| result.matched_count == 1)
            }
        };
        match replaced {
            Ok(true) => Ok(Answer::Verdict(Verdict::Applied)),
            Ok(false) => Ok(Answer::Verdict(Verdict::Conflict { index: None })),
            Err(error) => self.find_obstacle(op, refusal(table, error)?).await,
        }
    }

    /// Inserts documents of one table in order. Returns how many are stored and, if one was
    /// refused, what to make of it.
    pub(super) async fn run_inserts(&self, ops: &[&Op]) -> Result<(usize, Option<Answer>)> {
        let Some(first) = ops.first() else {
            return Ok((0, None));
        };
        let table = first.table();
        let mut docs = Vec::with_capacity(ops.len());
        for op in ops {
            let doc = op.doc().expect("an insert has a document");
            docs.push(keyed::join(table, op.key(), doc)?);
        }
        match self.collection(table).insert_many(docs).ordered(true).await {
            Ok(_) => Ok((ops.len(), None)),
            Err(error) => {
                let refusal = refusal(table, error)?;
                let at = refusal.at;
                Ok((at, Some(self.find_obstacle(ops[at], refusal).await?)))
            }
        }
    }

    /// Whether a majority has what the operation was refused for. The key counts before the
    /// indexes, as in the other engine.
    async fn find_obstacle(&self, op: &Op, refusal: Refusal) -> Result<Answer> {
        let (table, key) = (op.table(), op.key());
        let conflict = |index| Ok(Answer::Verdict(Verdict::Conflict { index }));
        let creates = matches!(op, Op::Insert { .. } | Op::PutIf { expected: None, .. });
        if creates && self.shows(table, single("_id", id(key))).await? {
            return conflict(None);
        }
        let Some((index, doc)) = refusal.index.zip(op.doc()) else {
            return Ok(Answer::Again);
        };
        let Some(filter) = same_values(index, doc, key) else {
            return Ok(Answer::Again);
        };
        if self.shows(table, filter).await? {
            return conflict(Some(index.name));
        }
        Ok(Answer::Again)
    }

    async fn shows(&self, table: &'static Table, filter: Document) -> Result<bool> {
        let collection = self.collection(table);
        let found = collection
            .find_one(filter)
            .projection(single("_id", 1))
            .await;
        Ok(found.map_err(failed)?.is_some())
    }
}

/// Finds another document with the same values in an index.
fn same_values(index: &Index, doc: &Document, key: &Key) -> Option<Document> {
    let mut filter = in_index(index);
    for path in index.fields {
        let mut value = None;
        let mut inner = Some(doc);
        for part in path.split('.') {
            value = inner?.get(part);
            inner = value.and_then(bson::Bson::as_document);
        }
        filter.insert(*path, value?.clone());
    }
    filter.insert("_id", single("$ne", id(key)));
    Some(filter)
}
