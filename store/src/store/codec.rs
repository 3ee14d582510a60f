//! Values to documents and back.

use bson::{Document, RawDocument};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Result, Table};

/// The document of a value, for [`crate::Batch`].
pub fn to_document<T: Serialize>(table: &'static Table, value: &T) -> Result<Document> {
    bson::serialize_to_document(value).map_err(|error| Error::malformed(table, error))
}

/// The value of a document.
pub fn from_raw<T: DeserializeOwned>(table: &'static Table, doc: &RawDocument) -> Result<T> {
    bson::deserialize_from_slice(doc.as_bytes()).map_err(|error| Error::malformed(table, error))
}
