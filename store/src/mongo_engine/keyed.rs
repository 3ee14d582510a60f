//! Documents with their key in front, as the server has them.

use std::collections::HashMap;

use bson::spec::ElementType;
use bson::{Document, RawDocumentBuf};

use crate::{Error, Key, Result, Stored, Table};

/// Type, name and the head of a generic binary: `05 "_id" 00 length(4) 00`.
const HEAD: usize = 10;

/// The document with the key as its first field `_id`.
pub(super) fn join(table: &'static Table, key: &[u8], doc: &Document) -> Result<RawDocumentBuf> {
    let body = doc
        .to_vec()
        .map_err(|error| Error::malformed(table, error))?;
    let length = body.len() + HEAD + key.len();
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as i32).to_le_bytes());
    bytes.push(ElementType::Binary as u8);
    bytes.extend(b"_id\0");
    bytes.extend((key.len() as i32).to_le_bytes());
    bytes.push(0);
    bytes.extend(key);
    bytes.extend(&body[4..]);
    RawDocumentBuf::from_bytes(bytes).map_err(|error| Error::malformed(table, error))
}

/// The key and the document without it. The server keeps `_id` in front.
pub(super) fn split(table: &'static Table, doc: RawDocumentBuf) -> Result<Stored> {
    let bytes = doc.into_bytes();
    let end = 4 + HEAD + table.key_len;
    let head = bytes.get(4..4 + HEAD).unwrap_or_default();
    let length = (table.key_len as i32).to_le_bytes();
    let expected: [&[u8]; 4] = [&[ElementType::Binary as u8], b"_id\0", &length, &[0]];
    if head != expected.concat() || bytes.len() <= end {
        return Err(Error::malformed(
            table,
            "an `_id` that is no key of this table",
        ));
    }
    let key = bytes[4 + HEAD..end].to_vec();
    let length = bytes.len() - HEAD - table.key_len;
    let mut body = Vec::with_capacity(length);
    body.extend((length as i32).to_le_bytes());
    body.extend(&bytes[end..]);
    let doc = RawDocumentBuf::from_bytes(body).map_err(|error| Error::malformed(table, error))?;
    Ok(Stored { key, doc })
}

/// The documents that were found, in the order of the keys asked for.
pub(super) fn in_order(
    table: &'static Table,
    keys: &[Key],
    found: Vec<RawDocumentBuf>,
) -> Result<Vec<Option<RawDocumentBuf>>> {
    let mut by_key = HashMap::with_capacity(found.len());
    for doc in found {
        let stored = split(table, doc)?;
        by_key.insert(stored.key, stored.doc);
    }
    Ok(keys.iter().map(|key| by_key.get(key).cloned()).collect())
}

#[cfg(test)]
mod tests {
    use bson::doc;

    use super::*;
    use crate::schema::ROOM;
    use crate::{Blob, room_key};

    #[test]
    fn a_key_goes_in_front_and_comes_off_again() {
        let (key, doc) = (room_key(1, b'L', 2), doc! { "a": 1, "b": { "c": "x" } });

        let joined = join(ROOM, &key, &doc).expect("encodes");

        let mut whole = doc! { "_id": Blob(key.clone()) };
        whole.extend(doc.clone());
        assert_eq!(joined.as_bytes(), whole.to_vec().expect("encodes"));
        let stored = split(ROOM, joined).expect("splits");
        assert_eq!(
            (stored.key, stored.doc.into_bytes()),
            (key, doc.to_vec().expect("encodes"))
        );
    }

    #[test]
    fn a_foreign_id_is_refused() {
        let foreign = RawDocumentBuf::try_from(&doc! { "_id": 1, "a": 2 }).expect("encodes");

        assert!(split(ROOM, foreign).is_err());
    }
}
