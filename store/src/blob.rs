//! Bytes in documents.

use std::fmt;
use std::ops::Deref;

use bson::spec::BinarySubtype;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that are stored as BSON binary; a plain `Vec<u8>` would become an array of integers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Blob(pub Vec<u8>);

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blob(")?;
        for byte in &self.0 {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Blob {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Blob> for Vec<u8> {
    fn from(blob: Blob) -> Self {
        blob.0
    }
}

impl From<Blob> for bson::Bson {
    fn from(blob: Blob) -> Self {
        Self::Binary(bson::Binary {
            subtype: BinarySubtype::Generic,
            bytes: blob.0,
        })
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(BlobVisitor)
    }
}

struct BlobVisitor;

impl<'de> Visitor<'de> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(bytes.to_vec()))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(Blob(bytes))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Blob, A::Error> {
        // Reading arrays would hide that somebody wrote a `Vec<u8>`.
        Err(A::Error::custom("bytes stored as an array"))
    }
}

#[cfg(test)]
mod tests {
    use bson::Bson;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Holder {
        blob: Blob,
        none: Option<Blob>,
        list: Vec<Blob>,
    }

    #[test]
    fn bytes_are_stored_as_binary_and_come_back() {
        let held = Holder {
            blob: Blob(vec![0, 255]),
            none: None,
            list: vec![Blob(vec![]); 2],
        };

        let document = bson::serialize_to_document(&held).expect("serializes");
        let bytes = bson::serialize_to_vec(&held).expect("serializes");

        assert_eq!(document.get("blob"), Some(&Bson::from(Blob(vec![0, 255]))));
        assert_eq!(
            bson::deserialize_from_document::<Holder>(document).expect("reads"),
            held
        );
        assert_eq!(
            bson::deserialize_from_slice::<Holder>(&bytes).expect("reads"),
            held
        );
    }

    #[test]
    fn an_array_is_refused() {
        let document = bson::doc! { "blob": [1, 2], "list": [] };

        assert!(bson::deserialize_from_document::<Holder>(document).is_err());
    }
}
