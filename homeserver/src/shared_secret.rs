//! Registration by whoever knows the operator's secret, in the form that Synapse gave it.

use std::collections::HashMap;

use gantry_accounts::NewAccount;
use gantry_model::{ErrorKind, id::OwnedDeviceId};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha1::Sha1;

use crate::{Error, Registered, Result, Sessions};

/// Nonces kept; beyond them the oldest is forgotten.
const MAX_NONCES: usize = 1_000;
/// How long a nonce lives, in milliseconds.
const LIFETIME_MS: i64 = 60_000;

/// A registration with a proof that the operator's secret is known.
#[derive(Debug, Clone)]
pub struct SharedSecretRequest {
    /// The nonce that was given out.
    pub nonce: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Whether the account administers the server.
    pub admin: bool,
    /// `user_type`, which is part of what is proven and means nothing here.
    pub user_type: Option<String>,
    /// The proof: HMAC-SHA1 in hexadecimal.
    pub mac: String,
    /// The display name.
    pub display_name: Option<String>,
    /// Do not log in.
    pub inhibit_login: bool,
}

/// The nonces that were given out and not used. Held for single look-ups, bounded by
/// [`MAX_NONCES`].
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<HashMap<String, i64>>);

impl Nonces {
    fn put(&self, nonce: String, now: i64) {
        let mut nonces = self.0.lock();
        nonces.retain(|_, given| now - *given < LIFETIME_MS);
        if nonces.len() >= MAX_NONCES
            && let Some(oldest) = nonces.iter().min_by_key(|(_, given)| **given)
        {
            let oldest = oldest.0.clone();
            nonces.remove(&oldest);
        }
        nonces.insert(nonce, now);
    }

    fn take(&self, nonce: &str, now: i64) -> bool {
        self.0
            .lock()
            .remove(nonce)
            .is_some_and(|given| now - given < LIFETIME_MS)
    }
}

impl Sessions {
    /// A nonce for [`Sessions::register_with_shared_secret`]; it serves once within a minute.
    pub fn shared_secret_nonce(&self) -> Result<String> {
        self.secret()?;
        let nonce = self.core.rng.text(b"0123456789abcdef", 64);
        self.core
            .nonces
            .put(nonce.clone(), self.core.clock.now_ms());
        Ok(nonce)
    }

    /// Registers a user for whoever knows the operator's secret.
    pub async fn register_with_shared_secret(
        &self,
        request: SharedSecretRequest,
    ) -> Result<Registered> {
        let secret = self.secret()?;
        if !self
            .core
            .nonces
            .take(&request.nonce, self.core.clock.now_ms())
        {
            return Err(Error::refused(ErrorKind::WrongState, "Unrecognized nonce"));
        }
        if !proves(secret, &request) {
            return Err(Error::refused(ErrorKind::Forbidden, "HMAC incorrect"));
        }
        let options = NewAccount {
            admin: request.admin,
            display_name: request.display_name.clone(),
            ..NewAccount::default()
        };
        let user = self
            .create_user(&request.username, Some(&request.password), options)
            .await?;
        let device: Option<OwnedDeviceId> = None;
        let login = if request.inhibit_login {
            None
        } else {
            Some(self.core.accounts.login(&user, device, None).await?)
        };
        Ok(Registered {
            user_id: user,
            login,
        })
    }

    fn secret(&self) -> Result<&str> {
        self.core
            .config
            .registration
            .shared_secret
            .as_deref()
            .ok_or_else(|| {
                Error::refused(
                    ErrorKind::WrongState,
                    "Shared secret registration is not enabled",
                )
            })
    }
}

/// Whether the proof fits the request.
fn proves(secret: &str, request: &SharedSecretRequest) -> bool {
    let Some(proof) = from_hex(&request.mac) else {
        return false;
    };
    let mut mac =
        Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("an HMAC takes keys of any length");
    mac.update(request.nonce.as_bytes());
    for part in [&request.username, &request.password] {
        mac.update(b"\0");
        mac.update(part.as_bytes());
    }
    mac.update(if request.admin {
        b"\0admin"
    } else {
        b"\0notadmin"
    });
    if let Some(user_type) = &request.user_type {
        mac.update(b"\0");
        mac.update(user_type.as_bytes());
    }
    mac.verify_slice(&proof).is_ok()
}

/// The bytes of hexadecimal text of the length of a SHA-1 digest.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 40 || !text.is_ascii() {
        return None;
    }
    (0..20)
        .map(|index| u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(mac: &str, admin: bool) -> SharedSecretRequest {
        SharedSecretRequest {
            nonce: "nonce".to_owned(),
            username: "alice".to_owned(),
            password: "secret".to_owned(),
            admin,
            user_type: None,
            mac: mac.to_owned(),
            display_name: None,
            inhibit_login: false,
        }
    }

    #[test]
    fn the_proof_covers_the_role() {
        // HMAC-SHA1 with the key "shared" over "nonce\0alice\0secret\0notadmin".
        let mac = "72c63ed20b88857afcb7be9516f7b2d937a6593b";

        assert!(proves("shared", &request(mac, false)));
        assert!(!proves("shared", &request(mac, true)));
        assert!(!proves("other", &request(mac, false)));
    }

    #[test]
    fn a_nonce_serves_once_and_not_long() {
        let nonces = Nonces::default();
        nonces.put("a".to_owned(), 0);
        nonces.put("b".to_owned(), 0);

        assert!(nonces.take("a", 1));
        assert!(!nonces.take("a", 1));
        assert!(!nonces.take("b", LIFETIME_MS));
    }

    proptest! {
        #[test]
        fn hexadecimal_text_is_read_or_refused(text in "\\PC{0,44}|[0-9a-fA-F+]{40}") {
            if let Some(bytes) = from_hex(&text) {
                prop_assert_eq!(bytes.len(), 20);
            }
        }
    }
}
