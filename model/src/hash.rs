//! The two hashes of an event.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#signing-events>.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha2::{Digest, Sha256};

use crate::{
    canonical_json::{Object, Value, object_to_bytes},
    redact::redact,
    room_version::RoomVersionRules,
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Unpadded base64 as the specification means it; padding is accepted on the way in.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// The same with the URL-safe alphabet.
pub const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The content hash: over everything but `unsigned`, `signatures` and `hashes`. It tells whether
/// the content is the one that was signed.
pub fn content_hash(event: &Object) -> [u8; 32] {
    sha256(&without(event, &["unsigned", "signatures", "hashes"]))
}

/// The reference hash: over the redacted event without its signatures. It is the event's id from
/// room version 3 on.
pub fn reference_hash(event: &Object, rules: &RoomVersionRules) -> [u8; 32] {
    sha256(&without(&redact(event, rules), &["unsigned", "signatures"]))
}

/// Whether `hashes.sha256` is the hash of the content.
pub fn content_hash_matches(event: &Object) -> bool {
    event
        .get("hashes")
        .and_then(Value::as_object)
        .and_then(|hashes| hashes.get("sha256"))
        .and_then(Value::as_str)
        .and_then(|text| BASE64.decode(text).ok())
        .is_some_and(|hash| hash == content_hash(event))
}

/// Writes `hashes.sha256`.
pub fn set_content_hash(event: &mut Object) {
    let hash = BASE64.encode(content_hash(event));
    event.insert(
        "hashes".to_owned(),
        Object::from([("sha256".to_owned(), hash.into())]).into(),
    );
}

/// The canonical bytes of an object without some of its keys.
pub fn without(object: &Object, keys: &[&str]) -> Vec<u8> {
    let rest: Object = object
        .iter()
        .filter(|(key, _)| !keys.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    object_to_bytes(&rest)
}
