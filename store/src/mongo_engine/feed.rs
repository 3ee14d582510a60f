//! The change stream: which documents with positions anybody wrote, who is there, and what nodes
//! tell each other.

use bson::{Document, RawDocumentBuf, doc};
use futures::{StreamExt as _, TryStreamExt as _};
use mongodb::Database;
use mongodb::change_stream::event::ChangeStreamEvent;

use super::failure::failed;
use crate::schema::{SIGNAL, TABLES, WRITERS, table};
use crate::{Error, Feed, Position, Result, Signal, Table, Told};

/// Opens the stream: of documents with positions come ids and positions only.
pub(super) async fn open(database: &Database) -> Result<Feed> {
    let changes = database
        .watch()
        .pipeline(pipeline())
        .await
        .map_err(failed)?;
    Ok(changes
        .map_err(failed)
        .and_then(async |event| read(event))
        .boxed())
}

fn pipeline() -> [Document; 2] {
    let names = TABLES
        .iter()
        .filter(|table| table.is_stream())
        .map(|table| table.name);
    let whole = [WRITERS.name, SIGNAL.name];
    let wanted = doc! {
        "operationType": { "$in": ["insert", "replace"] },
        "$or": [
            {
                "ns.coll": { "$in": names.collect::<Vec<_>>() },
                "fullDocument.w": { "$exists": true },
            },
            { "ns.coll": { "$in": &whole[..] } },
        ],
    };
    let mut kept = doc! { "operationType": 1, "ns": 1, "documentKey": 1 };
    for field in ["w", "s", "pw"] {
        kept.insert(format!("fullDocument.{field}"), 1);
    }
    for field in [
        "slot",
        "node",
        "epoch",
        "block_end",
        "closing",
        "closed",
        "cut",
        "v",
        "kind",
        "n",
        "body",
    ] {
        let is_whole = doc! { "$in": ["$ns.coll", &whole[..]] };
        let value = format!("$fullDocument.{field}");
        let kept_if = doc! { "$cond": [is_whole, value, "$$REMOVE"] };
        kept.insert(format!("fullDocument.{field}"), kept_if);
    }
    [doc! { "$match": wanted }, doc! { "$project": kept }]
}

fn read(event: ChangeStreamEvent<Document>) -> Result<Told> {
    let name = event.ns.and_then(|ns| ns.coll).unwrap_or_default();
    let table = table(&name).ok_or_else(|| Error::Unsuitable(format!("no table {name}")))?;
    let document = event.full_document.unwrap_or_default();
    if table == WRITERS {
        return Ok(Told::Writer(raw(table, &document)?));
    }
    if table == SIGNAL {
        return Ok(Told::Signal(Signal::new(raw(table, &document)?)));
    }
    let key = event
        .document_key
        .and_then(|id| Some(id.get_binary_generic("_id").ok()?.clone()));
    let key = key.ok_or_else(|| Error::malformed(table, "a change without a key"))?;
    let position = Position::of(&document).ok_or_else(|| Error::malformed(table, "no position"))?;
    let after = Position::before(&document);
    Ok(Told::Document {
        table,
        key,
        position,
        after,
    })
}

fn raw(table: &'static Table, document: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(document).map_err(|error| Error::malformed(table, error))
}
