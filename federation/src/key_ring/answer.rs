//! What a server says about its keys.

use gantry_model::{Object, Value, VerifyKey, id::ServerName};
use gantry_rooms::ServerKey;

use crate::{Result, client::bad, wire::text};

/// Longer than this after the answer no key is trusted, whatever the answer says.
const MAX_TRUST_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// The most keys of a server that are looked at.
const MAX_KEYS: usize = 64;

/// Reads and verifies the answer of `/_matrix/key/v2/server`.
pub(crate) fn read(server: &ServerName, answer: &Object, now: i64) -> Result<Vec<ServerKey>> {
    if text(answer, "server_name") != Some(server.as_str()) {
        return Err(bad(server, "the keys are of another server"));
    }
    let valid_until = answer
        .get("valid_until_ts")
        .and_then(Value::as_int)
        .ok_or_else(|| bad(server, "no valid_until_ts"))?
        .min(now.saturating_add(MAX_TRUST_MS));
    let current: Vec<ServerKey> = entries(answer, "verify_keys")
        .map(|(key_id, key, _)| ServerKey {
            key_id,
            key,
            valid_until_ts: valid_until,
            expired: false,
        })
        .collect();
    let is_signed = current.iter().any(|one| {
        one.key
            .verify_object(server.as_str(), &one.key_id, answer)
            .is_ok()
    });
    if !is_signed {
        return Err(bad(server, "the keys are not signed by one of them"));
    }
    let old = entries(answer, "old_verify_keys").filter_map(|(key_id, key, entry)| {
        let valid_until_ts = entry.get("expired_ts")?.as_int()?;
        let is_current = current.iter().any(|one| one.key_id == key_id);
        (!is_current).then_some(ServerKey {
            key_id,
            key,
            valid_until_ts,
            expired: true,
        })
    });
    let old: Vec<ServerKey> = old.collect();
    Ok(current.into_iter().chain(old).collect())
}

/// The usable Ed25519 keys of a field.
fn entries<'a>(
    answer: &'a Object,
    field: &str,
) -> impl Iterator<Item = (String, VerifyKey, &'a Object)> + use<'a> {
    let keys = answer.get(field).and_then(Value::as_object);
    keys.into_iter()
        .flatten()
        .take(MAX_KEYS)
        .filter_map(|(key_id, entry)| {
            let entry = entry.as_object()?;
            let key = VerifyKey::from_base64(text(entry, "key")?).ok()?;
            key_id
                .starts_with("ed25519:")
                .then(|| (key_id.to_string(), key, entry))
        })
}

#[cfg(test)]
mod tests {
    use gantry_model::{ServerSigningKey, canonical_json::parse_object};
    use proptest::prelude::*;

    use super::*;
    use crate::wire::object;

    const NOW: i64 = 1_700_000_000_000;

    fn server() -> &'static ServerName {
        "a.com".try_into().unwrap()
    }

    fn answer(valid_until: i64, signer: &ServerSigningKey) -> Object {
        let key = |bytes: [u8; 32]| {
            ServerSigningKey::from_seed("x", &bytes)
                .verify_key()
                .to_base64()
        };
        let entry = object([("key", key([1; 32]).into())]);
        let old = object([("key", key([2; 32]).into()), ("expired_ts", 5.into())]);
        let mut answer = object([
            ("server_name", "a.com".into()),
            ("valid_until_ts", valid_until.into()),
            (
                "verify_keys",
                object([("ed25519:new", entry.into())]).into(),
            ),
            (
                "old_verify_keys",
                object([("ed25519:old", old.into())]).into(),
            ),
        ]);
        signer.sign_object("a.com", &mut answer);
        answer
    }

    #[test]
    fn trust_ends_after_a_week() {
        let signer = ServerSigningKey::from_seed("new", &[1; 32]);

        let keys = read(server(), &answer(NOW * 2, &signer), NOW).unwrap();

        assert_eq!(keys[0].valid_until_ts, NOW + MAX_TRUST_MS);
        assert!(!keys[0].expired);
        assert_eq!((keys[1].valid_until_ts, keys[1].expired), (5, true));
    }

    #[test]
    fn an_answer_must_be_signed_by_a_current_key_of_the_server() {
        let old = ServerSigningKey::from_seed("old", &[2; 32]);
        let mut tampered = answer(NOW, &ServerSigningKey::from_seed("new", &[1; 32]));
        tampered.insert("valid_until_ts", (NOW + 1).into());

        assert!(read(server(), &answer(NOW, &old), NOW).is_err());
        assert!(read(server(), &tampered, NOW).is_err());
        assert!(read("b.com".try_into().unwrap(), &tampered, NOW).is_err());
    }

    proptest! {
        #[test]
        fn any_object_is_read_or_refused(text in "\\PC{0,80}", bytes: Vec<u8>) {
            let bare = format!(r#"{{"server_name":"a.com","valid_until_ts":1,
                "verify_keys":{{"ed25519:1":{{"key":"{}"}},"x":{}}}}}"#, letters(&bytes), 1);
            for text in [text.as_str(), bare.as_str()] {
                if let Ok(object) = parse_object(text.as_bytes()) {
                    let named = text_of(&object) == Some("a.com");

                    prop_assert!(named || read(server(), &object, NOW).is_err());
                }
            }
        }
    }

    fn text_of(object: &Object) -> Option<&str> {
        text(object, "server_name")
    }

    fn letters(bytes: &[u8]) -> String {
        bytes
            .iter()
            .map(|byte| char::from(b'A' + byte % 26))
            .collect()
    }
}
