//! Our own keys.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#publishing-keys>.

use gantry_model::{Object, VerifyKey};

use super::{KeyRing, Validity};
use crate::wire::object;

impl KeyRing {
    /// Our key of that id, if it was valid then.
    pub(super) fn own(&self, key_id: &str, validity: Validity) -> Option<VerifyKey> {
        let identity = &self.0.identity;
        if identity.key().id() == key_id {
            return Some(identity.key().verify_key());
        }
        let fits = |expired: i64| match validity {
            Validity::At(time) => time <= expired,
            Validity::Ever => true,
        };
        let old = identity.old_keys().iter();
        old.filter(|(id, _, expired)| id == key_id && fits(*expired))
            .map(|(_, key, _)| *key)
            .next()
    }

    /// What we say about our keys, which count for so many milliseconds from now on.
    pub(crate) fn own_answer(&self, valid_for_ms: i64) -> Object {
        let identity = &self.0.identity;
        let key = identity.key();
        let current = object([("key", key.verify_key().to_base64().into())]);
        let old: Object = identity
            .old_keys()
            .iter()
            .map(|(id, key, expired)| {
                let entry = object([
                    ("key", key.to_base64().into()),
                    ("expired_ts", (*expired).into()),
                ]);
                (id.clone(), entry.into())
            })
            .collect();
        let valid_until = self.0.clock.now_ms().saturating_add(valid_for_ms);
        let mut answer = object([
            ("server_name", identity.server_name().as_str().into()),
            ("valid_until_ts", valid_until.into()),
            ("verify_keys", object([(key.id(), current.into())]).into()),
            ("old_verify_keys", old.into()),
        ]);
        key.sign_object(identity.server_name().as_str(), &mut answer);
        answer
    }
}
