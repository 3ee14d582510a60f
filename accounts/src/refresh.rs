//! Refresh tokens: a session whose access token ends is carried on by another token.
//!
//! The pair before the present one stays valid until the present one is used, so that a client
//! that never received the answer can ask again.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#refreshing-access-tokens>.

use gantry_model::hash::sha256;
use gantry_model::id::{DeviceId, OwnedDeviceId, UserId};
use gantry_store::schema::{DEVICE, TOKEN};
use gantry_store::{Batch, Blob, Stamp, to_document};

use crate::device::DeviceRow;
use crate::session::{MAX_TOKEN_BYTES, TOKEN_LENGTH, TokenRow};
use crate::{Accounts, NewSession, Result, keys};

/// How a session goes on when its access token has ended.
#[derive(Clone)]
pub struct Refresh {
    /// The refresh token, shown once and not stored.
    pub token: String,
    /// How long the access token lives, in milliseconds.
    pub expires_in_ms: i64,
}

/// A new access token and what belongs to it.
pub(crate) struct Pair {
    access_token: String,
    refresh: Option<Refresh>,
}

impl Pair {
    fn access_key(&self) -> Blob {
        Blob::from(sha256(self.access_token.as_bytes()).to_vec())
    }

    fn refresh_key(&self) -> Option<Blob> {
        let refresh = self.refresh.as_ref()?;
        Some(Blob::from(sha256(refresh.token.as_bytes()).to_vec()))
    }

    pub(crate) fn into_session(self, device_id: OwnedDeviceId) -> NewSession {
        NewSession {
            access_token: self.access_token,
            device_id,
            refresh: self.refresh,
        }
    }
}

impl DeviceRow {
    pub(crate) fn set_pair(&mut self, pair: &Pair) {
        self.token = Some(pair.access_key());
        self.refresh = pair.refresh_key();
    }

    pub(crate) fn drop_old(&mut self) {
        self.old_token = None;
        self.old_refresh = None;
    }

    pub(crate) fn has_old(&self) -> bool {
        self.old_token.is_some() || self.old_refresh.is_some()
    }

    pub(crate) fn names_as_current(&self, key: &[u8]) -> bool {
        is(self.token.as_ref(), key)
    }

    pub(crate) fn names_as_old(&self, key: &[u8]) -> bool {
        is(self.old_token.as_ref(), key)
    }

    /// The keys of all its tokens.
    pub(crate) fn tokens(&self) -> Vec<Blob> {
        [
            &self.token,
            &self.refresh,
            &self.old_token,
            &self.old_refresh,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect()
    }

    /// Puts a new pair in place of the one that the refresh token belongs to; gives the tokens
    /// that end by it, or `None` if the device does not know the refresh token.
    fn refreshed(&mut self, refresh_key: &[u8], pair: &Pair) -> Option<Vec<Blob>> {
        let ended = if is(self.refresh.as_ref(), refresh_key) {
            let ended = [self.old_token.take(), self.old_refresh.take()];
            self.old_token = self.token.take();
            self.old_refresh = self.refresh.take();
            ended
        } else if is(self.old_refresh.as_ref(), refresh_key) {
            // The answer with the present pair did not arrive.
            [self.token.take(), self.refresh.take()]
        } else {
            return None;
        };
        self.set_pair(pair);
        Some(ended.into_iter().flatten().collect())
    }
}

impl Accounts {
    /// Exchanges a refresh token for a new pair whose access token ends after `lifetime_ms`.
    /// `None`: it is not valid (any more).
    pub async fn refresh(&self, token: &str, lifetime_ms: i64) -> Result<Option<NewSession>> {
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let key = sha256(token.as_bytes());
        let row = self.inner.store.get::<TokenRow>(TOKEN, &key).await?;
        let Some(row) = row.filter(|row| row.refresh) else {
            return Ok(None);
        };
        let is_open = |account: Option<crate::account::AccountRow>| {
            account.is_some_and(|account| !account.deactivated)
        };
        if !is_open(self.row(&row.user).await?) {
            return Ok(None);
        }
        let pair = self.new_pair(Some(lifetime_ms));
        let mut ended = None;
        let device_key = keys::device(&row.user, &row.device);
        self.update(DEVICE, device_key, Stamp::None, |device| {
            let Some(mut device): Option<DeviceRow> = device else {
                return Ok(None);
            };
            ended = device.refreshed(&key, &pair);
            Ok(ended.is_some().then_some(device))
        })
        .await?;
        let Some(ended) = ended else {
            return Ok(None);
        };
        self.write_pair(&row.user, &row.device, &pair, ended)
            .await?;
        Ok(Some(pair.into_session(row.device)))
    }

    pub(crate) fn new_pair(&self, lifetime_ms: Option<i64>) -> Pair {
        Pair {
            access_token: self.inner.rng.alphanumeric(TOKEN_LENGTH),
            refresh: lifetime_ms.map(|expires_in_ms| Refresh {
                token: self.inner.rng.alphanumeric(TOKEN_LENGTH),
                expires_in_ms,
            }),
        }
    }

    /// Writes the documents of a pair that a device names already, and removes those of others.
    pub(crate) async fn write_pair(
        &self,
        user: &UserId,
        device: &DeviceId,
        pair: &Pair,
        ended: Vec<Blob>,
    ) -> Result<()> {
        let now = self.inner.clock.now_ms();
        let row = |refresh, expires_ts| {
            let row = TokenRow {
                user: user.to_owned(),
                device: device.to_owned(),
                created_ts: now,
                expires_ts,
                refresh,
            };
            to_document(TOKEN, &row)
        };
        let end = pair.refresh.as_ref().map(|one| now + one.expires_in_ms);
        let mut batch = Batch::new();
        batch.put(TOKEN, Vec::from(pair.access_key()), row(false, end)?);
        if let Some(key) = pair.refresh_key() {
            batch.put(TOKEN, Vec::from(key), row(true, None)?);
        }
        for key in ended {
            batch.delete(TOKEN, Vec::from(key));
        }
        self.inner.store.commit(batch).await?;
        self.inner.sessions.forget_user(user);
        Ok(())
    }

    /// Ends the pair before the present one.
    pub(crate) async fn end_old_pair(&self, user: &UserId, device: &DeviceId) -> Result<()> {
        let mut ended = Vec::new();
        let key = keys::device(user, device);
        self.update(DEVICE, key, Stamp::None, |row: Option<DeviceRow>| {
            Ok(row.filter(DeviceRow::has_old).map(|mut row| {
                ended = [row.old_token.take(), row.old_refresh.take()]
                    .into_iter()
                    .flatten()
                    .collect();
                row
            }))
        })
        .await?;
        let mut batch = Batch::new();
        for key in ended {
            batch.delete(TOKEN, Vec::from(key));
        }
        if !batch.is_empty() {
            self.inner.store.commit(batch).await?;
        }
        self.inner.sessions.forget_user(user);
        Ok(())
    }
}

fn is(named: Option<&Blob>, key: &[u8]) -> bool {
    named.is_some_and(|named| **named == *key)
}

#[cfg(test)]
mod tests {
    use crate::TokenState;
    use crate::testing::{accounts_with_clock, has_account, user};

    #[tokio::test]
    async fn an_access_token_ends_and_is_refreshed() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let first = accounts
            .login_for(&alice, None, None, Some(1_000))
            .await
            .unwrap();
        let refresh = first.refresh.clone().unwrap().token;
        assert!(accounts.session(&refresh).await.unwrap().is_none());
        assert!(
            accounts
                .session(&first.access_token)
                .await
                .unwrap()
                .is_some()
        );

        clock.advance(1_000);
        let ended = accounts.token_state(&first.access_token).await.unwrap();
        let second = accounts.refresh(&refresh, 1_000).await.unwrap().unwrap();

        assert_eq!(ended, TokenState::Expired);
        assert_eq!(second.device_id, first.device_id);
        let session = accounts.session(&second.access_token).await.unwrap();
        assert_eq!(session.unwrap().user_id, alice);
        // The new token was used, so the old pair is void.
        assert!(accounts.refresh(&refresh, 1_000).await.unwrap().is_none());
        let old = accounts.token_state(&first.access_token).await.unwrap();
        assert_eq!(old, TokenState::Unknown);
        assert_eq!(accounts.devices(&alice).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_lost_answer_can_be_asked_for_again() {
        let (accounts, _, _dir) = accounts_with_clock().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let first = accounts
            .login_for(&alice, None, None, Some(1_000))
            .await
            .unwrap();
        let refresh = first.refresh.unwrap().token;

        let lost = accounts.refresh(&refresh, 1_000).await.unwrap().unwrap();
        let second = accounts.refresh(&refresh, 1_000).await.unwrap().unwrap();

        let lost_state = accounts.token_state(&lost.access_token).await.unwrap();
        assert_eq!(lost_state, TokenState::Unknown);
        assert!(
            accounts
                .session(&first.access_token)
                .await
                .unwrap()
                .is_some()
        );
        let next = second.refresh.unwrap().token;
        let third = accounts.refresh(&next, 1_000).await.unwrap().unwrap();
        assert!(
            accounts
                .session(&first.access_token)
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            accounts
                .session(&third.access_token)
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn a_logout_ends_the_refresh_token_too() {
        let (accounts, _, _dir) = accounts_with_clock().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let login = accounts
            .login_for(&alice, None, None, Some(1_000))
            .await
            .unwrap();

        accounts.logout_all(&alice).await.unwrap();

        let refresh = login.refresh.unwrap().token;
        assert!(accounts.refresh(&refresh, 1_000).await.unwrap().is_none());
    }
}
