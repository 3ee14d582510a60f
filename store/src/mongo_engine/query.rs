//! Statements that read.

use std::ops::Bound;

use bson::{Bson, Document, doc};
use mongodb::options::Hint;

use super::single;
use crate::{Blob, Error, Index, Key, Projection, Result, Scan, ScanBy, Table};

/// A scan as the server understands it.
pub(super) struct Query {
    pub(super) filter: Document,
    pub(super) sort: Document,
    pub(super) hint: Hint,
}

/// The key as the server has it.
pub(super) fn id(key: &[u8]) -> Bson {
    Blob::from(key).into()
}

/// Finds the documents at these keys.
pub(super) fn by_keys(keys: &[Key]) -> Document {
    match keys {
        [key] => single("_id", id(key)),
        keys => single(
            "_id",
            doc! { "$in": keys.iter().map(|key| id(key)).collect::<Vec<_>>() },
        ),
    }
}

/// The fields that a projection brings, if it is not all of them.
pub(super) fn fields(table: &Table, projection: Projection) -> Option<Document> {
    match projection {
        Projection::Light if !table.heavy.is_empty() => Some(
            table
                .heavy
                .iter()
                .map(|field| ((*field).to_owned(), Bson::Int32(0)))
                .collect(),
        ),
        Projection::Full | Projection::Light => None,
        Projection::Position => Some(doc! { "w": 1, "s": 1, "pw": 1 }),
    }
}

/// The statement of a scan. The index is named, so the server never weighs another plan.
pub(super) fn of_scan(table: &'static Table, scan: &Scan) -> Result<Query> {
    let direction = if scan.reverse { -1 } else { 1 };
    match &scan.by {
        ScanBy::Key { from, to } => {
            let mut filter = Document::new();
            let bounds = bounds(
                from.as_ref().map(|key| id(key)),
                to.as_ref().map(|key| id(key)),
            );
            filter.extend(bounds.map(|bounds| ("_id".to_owned(), bounds.into())));
            Ok(Query {
                filter,
                sort: doc! { "_id": direction },
                hint: Hint::Name("_id_".into()),
            })
        }
        ScanBy::Index { index, eq, range } => {
            let index = table.index(index).ok_or(Error::UnknownIndex {
                table: table.name,
                index,
            })?;
            let mut filter = Document::new();
            let mut range = range.as_ref();
            for (n, field) in index.fields.iter().enumerate() {
                let value = match eq.get(n) {
                    Some(value) => value.clone(),
                    None => range
                        .take()
                        .and_then(|(from, to)| bounds(from.clone(), to.clone()))
                        .unwrap_or_else(present)
                        .into(),
                };
                filter.insert(*field, value);
            }
            let hint = Hint::Name(index.name.to_owned());
            Ok(Query {
                filter,
                sort: order(index, direction),
                hint,
            })
        }
    }
}

/// The fields of an index as the server has it: where several documents may have the same values,
/// the key follows them, so that the order is total.
pub(super) fn order(index: &Index, direction: i32) -> Document {
    let fields = index.fields.iter().chain((!index.unique).then_some(&"_id"));
    fields
        .map(|field| ((*field).to_owned(), Bson::Int32(direction)))
        .collect()
}

/// What a document must satisfy to be in an index.
pub(super) fn in_index(index: &Index) -> Document {
    index
        .fields
        .iter()
        .map(|field| ((*field).to_owned(), present().into()))
        .collect()
}

fn present() -> Document {
    doc! { "$exists": true }
}

fn bounds(from: Bound<Bson>, to: Bound<Bson>) -> Option<Document> {
    let mut bounds = Document::new();
    match from {
        Bound::Included(value) => drop(bounds.insert("$gte", value)),
        Bound::Excluded(value) => drop(bounds.insert("$gt", value)),
        Bound::Unbounded => {}
    }
    match to {
        Bound::Included(value) => drop(bounds.insert("$lte", value)),
        Bound::Excluded(value) => drop(bounds.insert("$lt", value)),
        Bound::Unbounded => {}
    }
    (!bounds.is_empty()).then_some(bounds)
}
