//! Values to documents and back.

use bson::{Document, RawDocument};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Engine, Error, Key, Projection, Result, Scan, Table};

/// The document at `key`.
pub(crate) async fn read_one<T: DeserializeOwned>(
    engine: &dyn Engine,
    table: &'static Table,
    key: Key,
) -> Result<Option<T>> {
    let found = engine.get_many(table, &[key], Projection::Full).await?;
    let found = found.into_iter().flatten().next();
    found.map(|doc| from_raw(table, &doc)).transpose()
}

/// All documents of a small table.
pub(crate) async fn read_all<T: DeserializeOwned>(
    engine: &dyn Engine,
    table: &'static Table,
) -> Result<Vec<T>> {
    let scan = Scan::prefix(&[]).resolve(table)?;
    let found = engine.scan_many(table, &[scan]).await?;
    let documents = found.into_iter().flatten();
    documents.map(|one| from_raw(table, &one.doc)).collect()
}

/// The document of a value, for [`crate::Batch`].
pub fn to_document<T: Serialize>(table: &'static Table, value: &T) -> Result<Document> {
    bson::serialize_to_document(value).map_err(|error| Error::malformed(table, error))
}

/// The value of a document.
pub fn from_raw<T: DeserializeOwned>(table: &'static Table, doc: &RawDocument) -> Result<T> {
    bson::deserialize_from_slice(doc.as_bytes()).map_err(|error| Error::malformed(table, error))
}
