//! Index entries: values as bytes whose order is the order of the values.
//!
//! The order is MongoDB's: integers of either width by value, strings by their bytes, binary by
//! length first. Every value ends where its bytes say, so that no value runs into the next one.

use std::ops::Bound;

use bson::raw::RawBsonRef;
use bson::{Bson, RawDocument};

use crate::key::after_prefix;
use crate::project::value_at;
use crate::{Error, Index, Key, Result, Table};

const INTEGER: u8 = 0x10;
const STRING: u8 = 0x20;
const BINARY: u8 = 0x30;
const BOOLEAN: u8 = 0x40;
const DATE: u8 = 0x50;

/// The bounds of an index scan in entries.
pub(super) type Bounds = (Bound<Key>, Bound<Key>);

/// The values of a document's indexed fields; `None`: it is not in the index.
pub(super) fn entry(
    table: &'static Table,
    index: &Index,
    doc: &RawDocument,
) -> Result<Option<Key>> {
    let mut bytes = Vec::new();
    for path in index.fields {
        let Some(value) = value_at(table, doc, path)? else {
            return Ok(None);
        };
        push(table, &mut bytes, value)?;
    }
    Ok(Some(bytes))
}

/// The entries whose first values are `eq` and whose next value lies in `range`.
pub(super) fn bounds(
    table: &'static Table,
    eq: &[Bson],
    range: Option<&(Bound<Bson>, Bound<Bson>)>,
) -> Result<Bounds> {
    let mut prefix = Vec::new();
    for value in eq {
        push_owned(table, &mut prefix, value)?;
    }
    let with = |value: &Bson| -> Result<Key> {
        let mut bytes = prefix.clone();
        push_owned(table, &mut bytes, value)?;
        Ok(bytes)
    };
    let below = |bytes: &[u8]| after_prefix(bytes).map_or(Bound::Unbounded, Bound::Excluded);
    let above = |bytes: &[u8]| after_prefix(bytes).map_or(Bound::Unbounded, Bound::Included);
    let (from, to) = match range {
        Some((from, to)) => (from.as_ref(), to.as_ref()),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    // More follows the value within an entry, so "after the value" is after all that begins so.
    let from = match from {
        Bound::Included(value) => Bound::Included(with(value)?),
        Bound::Excluded(value) => above(&with(value)?),
        Bound::Unbounded => Bound::Included(prefix.clone()),
    };
    let to = match to {
        Bound::Included(value) => below(&with(value)?),
        Bound::Excluded(value) => Bound::Excluded(with(value)?),
        Bound::Unbounded => below(&prefix),
    };
    Ok((from, to))
}

fn push_owned(table: &'static Table, bytes: &mut Vec<u8>, value: &Bson) -> Result<()> {
    let raw = match value {
        Bson::Int32(number) => RawBsonRef::Int32(*number),
        Bson::Int64(number) => RawBsonRef::Int64(*number),
        Bson::String(text) => RawBsonRef::String(text),
        Bson::Binary(binary) => RawBsonRef::Binary(binary.as_raw_binary()),
        Bson::Boolean(is) => RawBsonRef::Boolean(*is),
        Bson::DateTime(date) => RawBsonRef::DateTime(*date),
        _ => {
            return Err(Error::malformed(
                table,
                "a bound of a type that is not indexed",
            ));
        }
    };
    push(table, bytes, raw)
}

fn push(table: &'static Table, bytes: &mut Vec<u8>, value: RawBsonRef<'_>) -> Result<()> {
    match value {
        RawBsonRef::Int32(number) => push_integer(bytes, INTEGER, number.into()),
        RawBsonRef::Int64(number) => push_integer(bytes, INTEGER, number),
        RawBsonRef::DateTime(date) => push_integer(bytes, DATE, date.timestamp_millis()),
        RawBsonRef::Boolean(is) => bytes.extend([BOOLEAN, is.into()]),
        RawBsonRef::String(text) => {
            bytes.push(STRING);
            for byte in text.bytes() {
                bytes.push(byte);
                // A zero byte within the text sorts above its end and below every other byte.
                if byte == 0 {
                    bytes.push(1);
                }
            }
            bytes.extend([0, 0]);
        }
        RawBsonRef::Binary(binary) => {
            bytes.push(BINARY);
            bytes.extend((binary.bytes.len() as u32).to_be_bytes());
            bytes.push(binary.subtype.into());
            bytes.extend(binary.bytes);
        }
        _ => {
            return Err(Error::malformed(
                table,
                "a field of a type that cannot be indexed",
            ));
        }
    }
    Ok(())
}

/// Flipping the sign bit puts negative numbers below the others.
fn push_integer(bytes: &mut Vec<u8>, tag: u8, number: i64) {
    bytes.push(tag);
    bytes.extend((number ^ i64::MIN).to_be_bytes());
}

#[cfg(test)]
mod tests;
