//! What every write must satisfy before it is queued, so that both engines behave alike and an
//! engine never meets a document that it refuses.

use std::collections::HashSet;

use bson::{Bson, Document};

use crate::{Batch, Error, Op, Result, Stamp, Table};

/// Operations of one batch, and of one command to the engine.
pub(crate) const MAX_OPS: usize = 1_000;

/// MongoDB takes documents of 16 MB; the rest is room for the key and the stamp.
const MAX_DOCUMENT: usize = 15 << 20;

impl Table {
    /// Checks that a key has the table's length.
    pub(crate) fn check_key(&self, key: &[u8]) -> Result<()> {
        if key.len() == self.key_len {
            return Ok(());
        }
        Err(Error::KeyLength {
            table: self.name,
            expected: self.key_len,
            found: key.len(),
        })
    }
}

/// Checks a batch, drops nulls from indexed fields, and returns about how many bytes it has.
pub(crate) fn check_batch(batch: &mut Batch) -> Result<usize> {
    if batch.ops.len() >= MAX_OPS {
        return Err(Error::TooLarge);
    }
    let mut bytes = 0;
    let mut keys = HashSet::new();
    for one in &mut batch.ops {
        let table = one.op.table();
        table.check_key(one.op.key())?;
        if !keys.insert((table.name, one.op.key().clone())) {
            return Err(Error::malformed(table, "a batch writes one key twice"));
        }
        if one.stamp != Stamp::None && !table.is_stream() {
            return Err(Error::malformed(
                table,
                "a position outside of the stream tables",
            ));
        }
        bytes += check_op(table, &mut one.op, one.stamp)?;
    }
    Ok(bytes)
}

fn check_op(table: &'static Table, op: &mut Op, stamp: Stamp) -> Result<usize> {
    if matches!(op, Op::PutIf { doc, .. } if doc.get_i64("v").is_err()) {
        return Err(Error::malformed(
            table,
            "put_if without a 64-bit version `v`",
        ));
    }
    let key_len = op.key().len();
    let Some(doc) = op.doc_mut() else {
        if stamp != Stamp::None {
            return Err(Error::malformed(table, "a deletion has no position"));
        }
        return Ok(key_len);
    };
    if doc.contains_key("_id") {
        return Err(Error::malformed(
            table,
            "the key is not a field of the document",
        ));
    }
    for path in table.indexes.iter().flat_map(|index| index.fields) {
        check_indexed(table, doc, path)?;
    }
    let size = document_size(doc);
    if size > MAX_DOCUMENT {
        return Err(Error::TooLarge);
    }
    Ok(size + key_len)
}

/// Removes a null at an indexed path: MongoDB would index it. Refuses a type without a common
/// order in both engines.
fn check_indexed(table: &'static Table, doc: &mut Document, path: &str) -> Result<()> {
    if let Some((first, rest)) = path.split_once('.') {
        return match doc.get_mut(first) {
            Some(Bson::Document(inner)) => check_indexed(table, inner, rest),
            // MongoDB would look into the elements of an array.
            Some(Bson::Array(_)) => Err(Error::malformed(table, format!("array at {path}"))),
            _ => Ok(()),
        };
    }
    match doc.get(path) {
        Some(Bson::Null) => {
            doc.remove(path);
            Ok(())
        }
        None
        | Some(
            Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::String(_)
            | Bson::Binary(_)
            | Bson::Boolean(_)
            | Bson::DateTime(_),
        ) => Ok(()),
        Some(_) => Err(Error::malformed(
            table,
            format!("field {path} cannot be indexed"),
        )),
    }
}

/// The encoded size of a document, without encoding it.
fn document_size(doc: &Document) -> usize {
    5 + doc
        .iter()
        .map(|(name, value)| name.len() + 2 + value_size(value))
        .sum::<usize>()
}

fn value_size(value: &Bson) -> usize {
    match value {
        Bson::String(text) => text.len() + 5,
        Bson::Binary(binary) => binary.bytes.len() + 5,
        Bson::Document(doc) => document_size(doc),
        // Elements are named by their number, of at most seven digits here.
        Bson::Array(array) => 5 + array.iter().map(|one| 9 + value_size(one)).sum::<usize>(),
        _ => 16,
    }
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;
    use crate::schema::{MEMBERSHIP, ROOM};
    use crate::{Blob, room_key};

    fn check(doc: Document) -> Result<usize> {
        let mut batch = Batch::new();
        batch.insert_stamped(ROOM, room_key(1, b'L', 1), doc, Stamp::Position);
        check_batch(&mut batch)
    }

    #[test]
    fn nulls_are_dropped_from_indexed_fields_only() {
        let mut batch = Batch::new();
        let doc = doc! { "rc": null, "other": null, "tx": { "h": null, "id": null } };
        batch.insert(ROOM, room_key(1, b'L', 1), doc);

        check_batch(&mut batch).expect("valid");

        let kept = doc! { "other": null, "tx": { "id": null } };
        assert_eq!(batch.ops[0].op.doc(), Some(&kept));
    }

    #[test]
    fn what_the_engines_would_treat_differently_is_refused() {
        let mut plain = Batch::new();
        plain.push(
            Op::Delete {
                table: MEMBERSHIP,
                key: vec![0; 24],
            },
            Stamp::PositionAfterPrevious,
        );
        let mut short = Batch::new();
        short.delete(ROOM, vec![0; 16]);

        assert!(check(doc! { "rid": 1.5 }).is_err());
        assert!(check(doc! { "tx": [{ "h": 1 }] }).is_err());
        assert!(check(doc! { "_id": 1 }).is_err());
        assert!(check_batch(&mut plain).is_err());
        assert!(matches!(
            check_batch(&mut short),
            Err(Error::KeyLength { .. })
        ));
    }

    #[test]
    fn the_size_is_not_underestimated() {
        let doc = doc! {
            "a": Blob(vec![7; 100]), "b": ["x", 1, { "c": 5_i64 }], "d": "text", "e": true,
        };

        assert!(document_size(&doc) >= doc.to_vec().expect("encodes").len());
    }
}
