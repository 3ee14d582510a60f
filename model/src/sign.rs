//! Signing JSON and events, and checking signatures.
//!
//! Specification: <https://spec.matrix.org/v1.19/appendices/#signing-json>.

use std::fmt;

use base64::Engine;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::{
    canonical_json::{Object, Value},
    hash::{BASE64, without},
    redact::redact,
    room_version::RoomVersionRules,
};

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// There is no signature by this key.
    #[error("not signed by this key")]
    Missing,
    /// The signature or the key is not in its format.
    #[error("malformed signature or key")]
    Malformed,
    /// The signature is of something else.
    #[error("the signature does not match")]
    Mismatch,
}

/// Our own key: its id (`ed25519:...`) and the secret.
#[derive(Clone)]
pub struct ServerSigningKey {
    id: String,
    key: SigningKey,
}

impl ServerSigningKey {
    /// A key from its 32 secret bytes. `version` is the part of the id behind `ed25519:`.
    pub fn from_seed(version: &str, seed: &[u8; 32]) -> Self {
        Self {
            id: format!("ed25519:{version}"),
            key: SigningKey::from_bytes(seed),
        }
    }

    /// The key's id, `ed25519:` and its version.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret bytes.
    pub fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// The public half.
    pub fn verify_key(&self) -> VerifyKey {
        VerifyKey(self.key.verifying_key())
    }

    /// The signature of bytes, in base64.
    pub fn sign_bytes(&self, bytes: &[u8]) -> String {
        BASE64.encode(self.key.sign(bytes).to_bytes())
    }

    /// Signs an object in place: `signatures.<entity>.<key id>`.
    pub fn sign_object(&self, entity: &str, object: &mut Object) {
        let signature = self.sign_bytes(&without(object, &["signatures", "unsigned"]));
        insert_signature(object, entity, &self.id, signature);
    }

    /// Signs an event in place. Its content hash must be set.
    pub fn sign_event(&self, entity: &str, event: &mut Object, rules: &RoomVersionRules) {
        let redacted = redact(event, rules);
        let signature = self.sign_bytes(&without(&redacted, &["signatures", "unsigned"]));
        insert_signature(event, entity, &self.id, signature);
    }
}

impl fmt::Debug for ServerSigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("ServerSigningKey")
            .field(&self.id)
            .finish()
    }
}

fn insert_signature(object: &mut Object, entity: &str, key_id: &str, signature: String) {
    let signatures = object.object_mut("signatures");
    let of_entity = signatures.object_mut(entity);
    of_entity.insert(key_id, signature.into());
}

/// The public half of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyKey(VerifyingKey);

impl VerifyKey {
    /// A key from base64.
    pub fn from_base64(text: &str) -> Result<Self, SignError> {
        let bytes = BASE64.decode(text).map_err(|_| SignError::Malformed)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| SignError::Malformed)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| SignError::Malformed)
    }

    /// The key in base64.
    pub fn to_base64(self) -> String {
        BASE64.encode(self.0.to_bytes())
    }

    /// Checks the signature of bytes.
    pub fn verify_bytes(&self, bytes: &[u8], signature: &str) -> Result<(), SignError> {
        let signature = BASE64.decode(signature).map_err(|_| SignError::Malformed)?;
        let signature = Signature::from_slice(&signature).map_err(|_| SignError::Malformed)?;
        self.0
            .verify_strict(bytes, &signature)
            .map_err(|_| SignError::Mismatch)
    }

    /// Checks the signature that `entity` made of an object with this key.
    pub fn verify_object(
        &self,
        entity: &str,
        key_id: &str,
        object: &Object,
    ) -> Result<(), SignError> {
        let signature = find_signature(object, entity, key_id).ok_or(SignError::Missing)?;
        self.verify_bytes(&without(object, &["signatures", "unsigned"]), signature)
    }

    /// Checks the signature that `entity` made of an event with this key.
    pub fn verify_event(
        &self,
        entity: &str,
        key_id: &str,
        event: &Object,
        rules: &RoomVersionRules,
    ) -> Result<(), SignError> {
        let signature = find_signature(event, entity, key_id).ok_or(SignError::Missing)?;
        self.verify_bytes(
            &without(&redact(event, rules), &["signatures", "unsigned"]),
            signature,
        )
    }
}

/// The signatures of one entity: key id and signature.
pub fn signatures_of<'a>(
    object: &'a Object,
    entity: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    object
        .get("signatures")
        .and_then(Value::as_object)
        .and_then(|signatures| signatures.get(entity))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key_id, signature)| Some((key_id.as_str(), signature.as_str()?)))
}

fn find_signature<'a>(object: &'a Object, entity: &str, key_id: &str) -> Option<&'a str> {
    signatures_of(object, entity)
        .find(|(id, _)| *id == key_id)
        .map(|(_, signature)| signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RoomVersion, canonical_json::parse_object, hash};

    fn key() -> ServerSigningKey {
        let seed = BASE64
            .decode("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1")
            .unwrap();
        ServerSigningKey::from_seed("1", &seed.try_into().unwrap())
    }

    /// The vectors of <https://spec.matrix.org/v1.19/appendices/#cryptographic-test-vectors>.
    #[test]
    fn json_is_signed_as_in_the_specification() {
        let mut empty = Object::new();
        let mut data = parse_object(br#"{"one":1,"two":"Two"}"#).unwrap();

        key().sign_object("domain", &mut empty);
        key().sign_object("domain", &mut data);

        let signature =
            |object: &Object| find_signature(object, "domain", "ed25519:1").map(str::to_owned);
        assert_eq!(
            signature(&empty).as_deref(),
            Some(
                "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"
            )
        );
        assert_eq!(
            signature(&data).as_deref(),
            Some(
                "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"
            )
        );
    }

    #[test]
    fn events_are_hashed_and_signed_as_in_the_specification() {
        let mut event = parse_object(
            br#"{"room_id":"!x:domain","sender":"@a:domain","origin":"domain",
                "origin_server_ts":1000000,"signatures":{},"hashes":{},"type":"X","content":{},
                "prev_events":[],"auth_events":[],"depth":3,"unsigned":{"age_ts":1000000}}"#,
        )
        .unwrap();

        hash::set_content_hash(&mut event);
        key().sign_event("domain", &mut event, RoomVersion::V1.rules());

        assert!(hash::content_hash_matches(&event));
        assert_eq!(
            BASE64.encode(hash::content_hash(&event)),
            "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"
        );
        assert_eq!(
            find_signature(&event, "domain", "ed25519:1"),
            Some(
                "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg"
            )
        );
    }

    #[test]
    fn a_signature_of_something_else_does_not_hold() {
        let mut object = parse_object(br#"{"a":1}"#).unwrap();
        key().sign_object("domain", &mut object);

        let verify_key = key().verify_key();

        assert_eq!(
            verify_key.verify_object("domain", "ed25519:1", &object),
            Ok(())
        );
        assert_eq!(
            verify_key.verify_object("other", "ed25519:1", &object),
            Err(SignError::Missing)
        );
        object.insert("a", Value::Int(2));
        assert_eq!(
            verify_key.verify_object("domain", "ed25519:1", &object),
            Err(SignError::Mismatch)
        );
    }
}
