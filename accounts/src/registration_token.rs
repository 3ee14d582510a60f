//! Registration tokens: who holds one may register.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration>.

use std::ops::Bound;

use gantry_store::schema::REGISTRATION_TOKEN;
use gantry_store::{Key, Scan, Stamp, hash16};
use serde::{Deserialize, Serialize};

use crate::accounts::Versioned;
use crate::{Accounts, Error, Result};

/// Letters of a token that nobody chose.
const LENGTH: usize = 16;

/// The longest token, in bytes (specification).
const MAX_BYTES: usize = 64;

/// The most tokens that are listed.
const MAX_LISTED: usize = 10_000;

/// A registration token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationToken {
    /// The token: letters, digits and `._~-`, at most 64.
    pub token: String,
    /// How many may register with it; `None`: any number.
    pub uses_allowed: Option<i64>,
    /// How many did.
    pub used: i64,
    /// When it ends, in milliseconds since the Unix epoch; `None`: never.
    pub expires_ts: Option<i64>,
    #[serde(default)]
    v: i64,
}

impl Versioned for RegistrationToken {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl RegistrationToken {
    fn is_valid(&self, now: i64) -> bool {
        self.uses_allowed.is_none_or(|allowed| self.used < allowed)
            && self.expires_ts.is_none_or(|end| end > now)
    }
}

impl Accounts {
    /// Makes a registration token: the one wished for, or one that nobody can guess.
    /// [`Error::TokenInUse`]: it exists.
    pub async fn create_registration_token(
        &self,
        wished: Option<String>,
        uses_allowed: Option<i64>,
        expires_ts: Option<i64>,
    ) -> Result<RegistrationToken> {
        let token = wished.unwrap_or_else(|| self.inner.rng.alphanumeric(LENGTH));
        if !is_token(&token) {
            return Err(Error::InvalidToken);
        }
        let row = RegistrationToken {
            token,
            uses_allowed,
            used: 0,
            expires_ts,
            v: 1,
        };
        let made = self
            .inner
            .store
            .insert_new(REGISTRATION_TOKEN, key(&row.token), &row)
            .await?;
        if made {
            Ok(row)
        } else {
            Err(Error::TokenInUse)
        }
    }

    /// All registration tokens, spent ones too.
    pub async fn registration_tokens(&self) -> Result<Vec<RegistrationToken>> {
        let scan = Scan::range(Bound::Unbounded, Bound::Unbounded).limit(MAX_LISTED);
        let rows = self.inner.store.scan(REGISTRATION_TOKEN, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Deletes a registration token; false: there is none.
    pub async fn delete_registration_token(&self, token: &str) -> Result<bool> {
        let there = self.registration_token(token).await?.is_some();
        self.inner
            .store
            .delete(REGISTRATION_TOKEN, key(token))
            .await?;
        Ok(there)
    }

    /// Whether somebody may register with the token now.
    pub async fn is_registration_token_valid(&self, token: &str) -> Result<bool> {
        let now = self.inner.clock.now_ms();
        Ok(self
            .registration_token(token)
            .await?
            .is_some_and(|row| row.is_valid(now)))
    }

    /// Uses the token once. False: it is not valid (any more).
    pub async fn use_registration_token(&self, token: &str) -> Result<bool> {
        let now = self.inner.clock.now_ms();
        let used = self
            .update(REGISTRATION_TOKEN, key(token), Stamp::None, |row| {
                let valid = row.filter(|row: &RegistrationToken| row.is_valid(now));
                Ok(valid.map(|mut row| {
                    row.used += 1;
                    row
                }))
            })
            .await?;
        Ok(used.is_some())
    }

    /// Gives a use back: the registration failed for another reason.
    pub async fn return_registration_token(&self, token: &str) -> Result<()> {
        self.update(REGISTRATION_TOKEN, key(token), Stamp::None, |row| {
            Ok(row.map(|mut row: RegistrationToken| {
                row.used = (row.used - 1).max(0);
                row
            }))
        })
        .await
        .map(|_| ())
    }

    async fn registration_token(&self, token: &str) -> Result<Option<RegistrationToken>> {
        if !is_token(token) {
            return Ok(None);
        }
        Ok(self
            .inner
            .store
            .get(REGISTRATION_TOKEN, &key(token))
            .await?)
    }
}

fn key(token: &str) -> Key {
    hash16(&[token.as_bytes()]).to_vec()
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::testing::accounts_with_clock;

    #[tokio::test]
    async fn a_token_serves_as_often_as_it_says_and_not_longer() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let end = clock.now() + 1_000;
        let twice = Some("twice".to_owned());
        accounts
            .create_registration_token(twice.clone(), Some(2), None)
            .await
            .unwrap();
        let made = accounts
            .create_registration_token(None, None, Some(end))
            .await
            .unwrap();
        let again = accounts.create_registration_token(twice, None, None).await;

        assert!(matches!(again, Err(Error::TokenInUse)));
        for expected in [true, true, false] {
            let used = accounts.use_registration_token("twice").await.unwrap();
            assert_eq!(used, expected);
        }
        accounts.return_registration_token("twice").await.unwrap();
        assert!(accounts.is_registration_token_valid("twice").await.unwrap());
        assert!(accounts.use_registration_token(&made.token).await.unwrap());
        clock.advance(1_000);
        assert!(!accounts.use_registration_token(&made.token).await.unwrap());
        assert_eq!(accounts.registration_tokens().await.unwrap().len(), 2);
        assert!(accounts.delete_registration_token("twice").await.unwrap());
        assert!(!accounts.use_registration_token("twice").await.unwrap());
    }

    #[tokio::test]
    async fn what_cannot_be_a_token_is_none() {
        let (accounts, _, _dir) = accounts_with_clock().await;
        for text in ["", "a b", "ä", &"x".repeat(65)] {
            let made = accounts
                .create_registration_token(Some(text.to_owned()), None, None)
                .await;
            assert!(matches!(made, Err(Error::InvalidToken)), "{text}");
            assert!(!accounts.is_registration_token_valid(text).await.unwrap());
        }
    }
}
