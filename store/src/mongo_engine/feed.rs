//! The change stream: which documents with positions anybody wrote.

use bson::{Document, doc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::Database;
use mongodb::change_stream::event::ChangeStreamEvent;

use super::failure::failed;
use crate::schema::{TABLES, table};
use crate::store::position_from;
use crate::{Error, Feed, Key, Position, Result};

/// Opens the stream when it is first polled; ids and positions only.
pub(super) fn open(database: Database) -> Feed {
    let opened = async move {
        let changes = database
            .watch()
            .pipeline(pipeline())
            .await
            .map_err(failed)?;
        Ok(changes.map_err(failed).and_then(async |event| read(event)))
    };
    stream::once(opened).try_flatten().boxed()
}

fn pipeline() -> [Document; 2] {
    let names = TABLES
        .iter()
        .filter(|table| table.is_stream())
        .map(|table| table.name);
    let wanted = doc! {
        "operationType": { "$in": ["insert", "replace"] },
        "ns.coll": { "$in": names.collect::<Vec<_>>() },
        "fullDocument.w": { "$exists": true },
    };
    let kept = doc! {
        "operationType": 1, "ns": 1, "documentKey": 1, "fullDocument.w": 1, "fullDocument.s": 1,
    };
    [doc! { "$match": wanted }, doc! { "$project": kept }]
}

fn read(event: ChangeStreamEvent<Document>) -> Result<(&'static str, Key, Position)> {
    let name = event.ns.and_then(|ns| ns.coll).unwrap_or_default();
    let table = table(&name).ok_or_else(|| Error::Unsuitable(format!("no table {name}")))?;
    let key = event
        .document_key
        .and_then(|id| Some(id.get_binary_generic("_id").ok()?.clone()));
    let key = key.ok_or_else(|| Error::malformed(table, "a change without a key"))?;
    let document = event.full_document.unwrap_or_default();
    let position = position_from(document.get_i64("w").ok(), document.get_i64("s").ok());
    let position = position.ok_or_else(|| Error::malformed(table, "no position"))?;
    Ok((table.name, key, position))
}
