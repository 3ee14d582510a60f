//! Identity servers that the operator trusts: who is behind an address, and invites of those who
//! are not known yet.
//!
//! Specification: <https://spec.matrix.org/v1.19/identity-service-api/>.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use gantry_model::{
    Object, Value,
    id::{OwnedServerName, OwnedUserId, UserId},
};
use gantry_rooms::RoomView;
use sha2::{Digest, Sha256};

use super::FederationCalls;
use crate::{
    Error, Result,
    client::{Call, bad},
    wire::{object, text, user_id},
};

/// How long an identity server may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer.
const MAX_BYTES: usize = 64 * 1024;
/// The longest pepper, token, and name in an answer, in bytes.
const MAX_TEXT_BYTES: usize = 1_024;
/// The most keys of an offer.
const MAX_KEYS: usize = 10;

/// An address at an identity server, and with what it may be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressAt {
    /// The identity server.
    pub id_server: OwnedServerName,
    /// The user's token there.
    pub id_access_token: String,
    /// The medium, `email`.
    pub medium: String,
    /// The address.
    pub address: String,
}

impl std::fmt::Debug for AddressAt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("AddressAt")
            .field("id_server", &self.id_server)
            .field("medium", &self.medium)
            .finish_non_exhaustive()
    }
}

/// The place in a room that an identity server keeps for whoever proves an address.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// What stands for the address: the state key of `m.room.third_party_invite`.
    pub token: String,
    /// That event's content.
    pub content: Object,
}

impl FederationCalls {
    /// Whether the operator trusts that identity server.
    pub fn trusts_identity_server(&self, server: &OwnedServerName) -> bool {
        self.is_enabled() && self.0.config().identity_servers.contains(server)
    }

    /// The user who has proven an address; the address itself is not sent.
    pub async fn look_up_address(&self, at: &AddressAt) -> Result<Option<OwnedUserId>> {
        self.require_trusted(at)?;
        let details = Call::get("/_matrix/identity/v2/hash_details".to_owned());
        let details = self.ask_identity(at, details).await?;
        let pepper = text(&details, "lookup_pepper").filter(|text| text.len() <= MAX_TEXT_BYTES);
        let algorithms = details.get("algorithms").and_then(Value::as_array);
        let can_hash = algorithms.is_some_and(|all| all.contains(&Value::from("sha256")));
        let pepper = pepper
            .filter(|_| can_hash)
            .ok_or_else(|| bad(&at.id_server, "it takes no hashes"))?;
        let hash = hashed(&at.address, &at.medium, pepper);
        let body = object([
            ("addresses", vec![Value::from(hash.as_str())].into()),
            ("algorithm", "sha256".into()),
            ("pepper", pepper.into()),
        ]);
        let call = Call::post("/_matrix/identity/v2/lookup".to_owned(), body);
        let answer = self.ask_identity(at, call).await?;
        let mappings = answer.get("mappings").and_then(Value::as_object);
        let found = mappings.and_then(|mappings| text(mappings, &hash));
        Ok(found.and_then(user_id))
    }

    /// Has the identity server keep a place in the room, and tell whoever the address belongs to.
    pub async fn store_invite(
        &self,
        at: &AddressAt,
        view: &RoomView,
        sender: &UserId,
    ) -> Result<Offer> {
        self.require_trusted(at)?;
        let mut body = object([
            ("medium", at.medium.as_str().into()),
            ("address", at.address.as_str().into()),
            ("room_id", view.room_id().as_str().into()),
            ("sender", sender.as_str().into()),
            ("room_join_rules", view.join_rule().into()),
        ]);
        for (key, value) in [
            ("room_alias", view.canonical_alias()),
            ("room_avatar_url", view.avatar()),
            ("room_name", view.name()),
            ("room_type", view.room_type()),
        ] {
            body.extend(value.map(|value| (key.to_owned(), value.into())));
        }
        let call = Call::post("/_matrix/identity/v2/store-invite".to_owned(), body);
        let answer = self.ask_identity(at, call).await?;
        offer(&answer).ok_or_else(|| bad(&at.id_server, "no offer"))
    }

    fn require_trusted(&self, at: &AddressAt) -> Result<()> {
        if self.trusts_identity_server(&at.id_server) {
            Ok(())
        } else {
            Err(Error::Forbidden("the identity server is not trusted"))
        }
    }

    async fn ask_identity(&self, at: &AddressAt, call: Call) -> Result<Object> {
        let call = call.timeout(TIMEOUT).max_bytes(MAX_BYTES);
        let client = self.0.client();
        client
            .call_host(&at.id_server, call, &at.id_access_token)
            .await
    }
}

/// An address as identity servers compare it.
fn hashed(address: &str, medium: &str, pepper: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{address} {medium} {pepper}")))
}

/// What an identity server answers, as a room needs it.
fn offer(answer: &Object) -> Option<Offer> {
    let short = |text: &&str| text.len() <= MAX_TEXT_BYTES;
    let token = text(answer, "token").filter(short)?;
    let name = text(answer, "display_name")
        .filter(short)
        .unwrap_or_default();
    let keys: Vec<Object> = answer
        .get("public_keys")
        .and_then(Value::as_array)?
        .iter()
        .take(MAX_KEYS)
        .filter_map(Value::as_object)
        .filter_map(|key| {
            let url = text(key, "key_validity_url").filter(short)?;
            let key = text(key, "public_key").filter(short)?;
            Some(object([
                ("key_validity_url", url.into()),
                ("public_key", key.into()),
            ]))
        })
        .collect();
    let mut content = keys.first()?.clone();
    content.insert("display_name", name.into());
    let keys: Vec<Value> = keys.into_iter().map(Value::from).collect();
    content.insert("public_keys", keys.into());
    Some(Offer {
        token: token.to_owned(),
        content,
    })
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification.
    #[test]
    fn an_address_is_hashed_with_medium_and_pepper() {
        let hash = hashed("alice@example.com", "email", "matrixrocks");

        assert_eq!(hash, "4kenr7N9drpCJ4AfalmlGQVsOn3o2RHjkADUpXJWZUc");
    }

    #[test]
    fn an_offer_needs_a_token_and_a_key() {
        let answer = |text: &str| offer(&parse_object(text.as_bytes()).unwrap());
        let key = r#""public_keys":[{"public_key":"k","key_validity_url":"u"}]"#;

        let made = answer(&format!(r#"{{"token":"t","display_name":"a...",{key}}}"#)).unwrap();

        assert_eq!(made.token, "t");
        assert_eq!(made.content["public_key"], "k".into());
        assert!(answer(&format!("{{{key}}}")).is_none());
        assert!(answer(r#"{"token":"t","public_keys":[]}"#).is_none());
    }

    proptest! {
        #[test]
        fn any_answer_is_read(text in "\\PC{0,80}") {
            if let Ok(answer) = parse_object(text.as_bytes()) {
                prop_assert!(offer(&answer).is_none_or(|offer| !offer.content.is_empty()));
            }
        }
    }
}
