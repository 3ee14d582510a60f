//! Passwords. What is stored is argon2id over the lower-case hexadecimal SHA-256 of the password,
//! because Rocket.Chat's clients send only that digest.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use gantry_model::Rng;
use gantry_model::hash::{hex, sha256};
use tokio::sync::Semaphore;

use crate::{Error, Result};

/// Hashes computed at once; each takes about 19 MiB.
const AT_ONCE: usize = 4;

/// The longest password, in bytes.
const MAX_BYTES: usize = 1_024;

/// What a user proves the knowledge of.
#[derive(Clone, Copy)]
pub enum Secret<'a> {
    /// The password.
    Plain(&'a str),
    /// The hexadecimal SHA-256 of the password.
    Sha256Hex(&'a str),
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret<'_> {
    fn digest(self) -> Result<String> {
        match self {
            Self::Plain(password) if password.len() > MAX_BYTES => {
                Err(Error::TooLarge("the password"))
            }
            Self::Plain(password) => Ok(hex(&sha256(password.as_bytes()))),
            Self::Sha256Hex(digest) if digest.len() > MAX_BYTES => {
                Err(Error::TooLarge("the digest"))
            }
            Self::Sha256Hex(digest) => Ok(digest.to_ascii_lowercase()),
        }
    }
}

pub(crate) struct Passwords {
    params: Params,
    permits: Semaphore,
}

impl Passwords {
    pub(crate) fn new(cheap: bool) -> Self {
        let params = if cheap {
            Params::new(Params::MIN_M_COST, 1, 1, None).expect("the minimum is allowed")
        } else {
            Params::default()
        };
        Self {
            params,
            permits: Semaphore::new(AT_ONCE),
        }
    }

    /// The verifier of a secret.
    pub(crate) async fn hash(&self, rng: &dyn Rng, secret: Secret<'_>) -> Result<String> {
        let digest = secret.digest()?;
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        let params = self.params.clone();
        self.run(move || {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_with_salt(digest.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|error| Error::Hashing(error.to_string()))
        })
        .await
    }

    /// Whether the verifier is the secret's. Without one it takes as long and is false, so that
    /// the time does not tell who exists.
    pub(crate) async fn verify(
        &self,
        rng: &dyn Rng,
        secret: Secret<'_>,
        verifier: Option<String>,
    ) -> Result<bool> {
        let Some(verifier) = verifier else {
            self.hash(rng, secret).await?;
            return Ok(false);
        };
        let digest = secret.digest()?;
        self.run(move || {
            let parsed =
                PasswordHash::new(&verifier).map_err(|error| Error::Hashing(error.to_string()))?;
            // The parameters are the verifier's own.
            Ok(Argon2::default()
                .verify_password(digest.as_bytes(), &parsed)
                .is_ok())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Hashing(error.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::SeededRng;

    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_itself_and_by_its_digest() {
        let (passwords, rng) = (Passwords::new(true), SeededRng::new(1));
        let verifier = passwords.hash(&rng, Secret::Plain("s3cret")).await.unwrap();
        let digest = hex(&sha256(b"s3cret"));

        let cases = [
            (Secret::Plain("s3cret"), true),
            (Secret::Sha256Hex(&digest), true),
            (Secret::Sha256Hex(&digest.to_uppercase()), true),
            (Secret::Plain(&digest), false),
            (Secret::Plain("S3cret"), false),
        ];

        assert!(verifier.starts_with("$argon2id$"), "{verifier}");
        for (secret, expected) in cases {
            let verified = passwords
                .verify(&rng, secret, Some(verifier.clone()))
                .await
                .unwrap();
            assert_eq!(verified, expected);
        }
        assert!(
            !passwords
                .verify(&rng, Secret::Plain("s3cret"), None)
                .await
                .unwrap()
        );
    }
}
