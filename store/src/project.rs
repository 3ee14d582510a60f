//! Projections and paths of encoded documents.

use bson::raw::RawBsonRef;
use bson::{RawDocument, RawDocumentBuf};

use crate::{Error, Projection, Result, Table};

/// The document with only the fields that the projection keeps.
pub(crate) fn project(
    table: &'static Table,
    projection: Projection,
    bytes: Vec<u8>,
) -> Result<RawDocumentBuf> {
    let doc = RawDocumentBuf::from_bytes(bytes).map_err(|error| Error::malformed(table, error))?;
    let keeps = |field: &str| match projection {
        Projection::Full => true,
        Projection::Light => !table.heavy.contains(&field),
        Projection::Position => matches!(field, "w" | "s" | "pw"),
    };
    if projection == Projection::Full || projection == Projection::Light && table.heavy.is_empty() {
        return Ok(doc);
    }
    let mut kept = RawDocumentBuf::new();
    for element in doc.iter_elements() {
        let element = element.map_err(|error| Error::malformed(table, error))?;
        if keeps(element.key().as_str()) {
            let value = element
                .value()
                .map_err(|error| Error::malformed(table, error))?;
            kept.append(element.key(), value);
        }
    }
    Ok(kept)
}

/// The value at a dotted path, unless it is missing or null.
pub(crate) fn value_at<'d>(
    table: &'static Table,
    doc: &'d RawDocument,
    path: &str,
) -> Result<Option<RawBsonRef<'d>>> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(a, b)| (a, Some(b)));
    let value = doc
        .get(first)
        .map_err(|error| Error::malformed(table, error))?;
    match (value, rest) {
        (Some(RawBsonRef::Document(inner)), Some(rest)) => value_at(table, inner, rest),
        (Some(RawBsonRef::Null) | None, _) | (_, Some(_)) => Ok(None),
        (value, None) => Ok(value),
    }
}

/// An integer of either width.
pub(crate) fn integer(value: RawBsonRef<'_>) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}
