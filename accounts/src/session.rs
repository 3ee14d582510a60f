//! Sessions: a device with an access token.
//!
//! The device's document names its token and is the commit point: a token that no device names is
//! void, whatever the table of tokens holds.

use gantry_model::hash::sha256;
use gantry_model::id::{OwnedDeviceId, OwnedUserId, UserId};
use gantry_store::Stamp;
use gantry_store::schema::{DEVICE, TOKEN};
use serde::{Deserialize, Serialize};

use crate::accounts::check_name;
use crate::device::DeviceRow;
use crate::session_cache::KnownSession;
use crate::{Accounts, Error, Refresh, Result, keys};

/// Letters and digits of an access token.
pub(crate) const TOKEN_LENGTH: usize = 43;

/// Letters of a device id that the server chooses.
const DEVICE_ID_LENGTH: usize = 10;

/// The longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 256;

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user.
    pub user_id: OwnedUserId,
    /// The user's device.
    pub device_id: OwnedDeviceId,
    /// Whether the user administers this server.
    pub admin: bool,
    /// Whether the user is a guest.
    pub guest: bool,
    /// Whether nothing but logging out is possible.
    pub locked: bool,
    /// Whether the user may read, but not act.
    pub suspended: bool,
    /// The application service that acts for the user, if one does.
    pub appservice: Option<String>,
    /// Whether there are no rate limits.
    pub unlimited: bool,
    /// SHA-256 of the access token.
    pub token_key: [u8; 32],
}

impl Session {
    /// A session of an ordinary user.
    pub fn new(user_id: OwnedUserId, device_id: OwnedDeviceId, token_key: [u8; 32]) -> Self {
        Self {
            user_id,
            device_id,
            admin: false,
            guest: false,
            locked: false,
            suspended: false,
            appservice: None,
            unlimited: false,
            token_key,
        }
    }
}

/// What an access token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// Somebody's.
    Valid(Session),
    /// It was somebody's and has to be refreshed.
    Expired,
    /// Nobody's.
    Unknown,
}

/// What a login gives. The token is shown once and not stored.
#[derive(Clone)]
pub struct NewSession {
    /// The access token.
    pub access_token: String,
    /// The device that it belongs to.
    pub device_id: OwnedDeviceId,
    /// How to go on when the token has expired; `None`: it does not expire.
    pub refresh: Option<Refresh>,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession")
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TokenRow {
    pub(crate) user: OwnedUserId,
    pub(crate) device: OwnedDeviceId,
    pub(crate) created_ts: i64,
    /// When an access token ends, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub(crate) expires_ts: Option<i64>,
    /// Whether it is a refresh token.
    #[serde(default)]
    pub(crate) refresh: bool,
}

impl Accounts {
    /// Makes a session for a user whose identity was proven. A device that exists gets a new
    /// token and loses the old one; its name is kept unless a new one is given.
    pub async fn login(
        &self,
        user: &UserId,
        device: Option<OwnedDeviceId>,
        display_name: Option<String>,
    ) -> Result<NewSession> {
        self.login_for(user, device, display_name, None).await
    }

    /// The same with an access token that ends after `lifetime_ms`, and a refresh token beside it.
    pub async fn login_for(
        &self,
        user: &UserId,
        device: Option<OwnedDeviceId>,
        display_name: Option<String>,
        lifetime_ms: Option<i64>,
    ) -> Result<NewSession> {
        if self.row(user).await?.is_none_or(|row| row.deactivated) {
            return Err(Error::UnknownUser);
        }
        let device_id = device.unwrap_or_else(|| self.new_device_id());
        check_name("the device id", device_id.as_str())?;
        check_name("the device name", display_name.as_deref().unwrap_or(""))?;
        let pair = self.new_pair(lifetime_ms);
        let now = self.inner.clock.now_ms();

        let mut replaced = Vec::new();
        self.update(DEVICE, keys::device(user, &device_id), Stamp::None, |row| {
            let before: Option<DeviceRow> = row;
            replaced = before.as_ref().map(DeviceRow::tokens).unwrap_or_default();
            let mut row = before.unwrap_or_else(|| DeviceRow::new(user, &device_id, now));
            row.display_name = display_name.clone().or(row.display_name.take());
            row.set_pair(&pair);
            row.drop_old();
            Ok(Some(row))
        })
        .await?;
        self.write_pair(user, &device_id, &pair, replaced).await?;
        Ok(pair.into_session(device_id))
    }

    /// The session of an access token, if it is valid.
    pub async fn session(&self, token: &str) -> Result<Option<Session>> {
        match self.token_state(token).await? {
            TokenState::Valid(session) => Ok(Some(session)),
            TokenState::Expired | TokenState::Unknown => Ok(None),
        }
    }

    /// What an access token is.
    pub async fn token_state(&self, token: &str) -> Result<TokenState> {
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Ok(TokenState::Unknown);
        }
        let token_key = sha256(token.as_bytes());
        // Where there are other nodes, what one of them revokes must end everywhere at once.
        let known = if self.inner.store.is_shared() {
            self.find_session(token_key).await?
        } else {
            self.kept_session(token_key).await?
        };
        let Some(known) = known else {
            return Ok(TokenState::Unknown);
        };
        let now = self.inner.clock.now_ms();
        Ok(match known.expires_ts {
            Some(end) if end <= now => TokenState::Expired,
            _ => TokenState::Valid(known.session),
        })
    }

    async fn kept_session(&self, token_key: [u8; 32]) -> Result<Option<KnownSession>> {
        let epoch = match self.inner.sessions.get(&token_key) {
            Ok(known) => return Ok(Some(known)),
            Err(epoch) => epoch,
        };
        let known = self.find_session(token_key).await?;
        if let Some(known) = &known {
            self.inner.sessions.keep(known.clone(), epoch);
        }
        Ok(known)
    }

    /// Ends a session together with its device.
    pub async fn logout(&self, session: &Session) -> Result<()> {
        match self
            .delete_device(&session.user_id, &session.device_id)
            .await
        {
            // Somebody else was faster.
            Err(Error::UnknownDevice) => Ok(()),
            ended => ended,
        }
    }

    /// Ends all sessions of a user together with their devices.
    pub async fn logout_all(&self, user: &UserId) -> Result<()> {
        for device in self.devices(user).await? {
            match self.delete_device(user, &device.device_id).await {
                Ok(()) | Err(Error::UnknownDevice) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn find_session(&self, token_key: [u8; 32]) -> Result<Option<KnownSession>> {
        let store = &self.inner.store;
        let token = store.get::<TokenRow>(TOKEN, &token_key).await?;
        let Some(token) = token.filter(|token| !token.refresh) else {
            return Ok(None);
        };
        let device_key = keys::device(&token.user, &token.device);
        let Some(device) = store.get::<DeviceRow>(DEVICE, &device_key).await? else {
            return Ok(None);
        };
        if device.names_as_current(&token_key) {
            // The client has received the new pair: the one before it ends.
            if device.has_old() {
                self.end_old_pair(&token.user, &token.device).await?;
            }
        } else if !device.names_as_old(&token_key) {
            return Ok(None);
        }
        let account = self.row(&token.user).await?.filter(|row| !row.deactivated);
        Ok(account.map(|row| KnownSession {
            session: Session {
                admin: row.admin,
                guest: row.guest,
                locked: row.locked,
                suspended: row.suspended,
                ..Session::new(token.user, token.device, token_key)
            },
            expires_ts: token.expires_ts,
        }))
    }

    fn new_device_id(&self) -> OwnedDeviceId {
        self.inner
            .rng
            .text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", DEVICE_ID_LENGTH)
            .into()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{accounts, has_account, user};
    use crate::{Error, NewAccount};

    #[tokio::test]
    async fn a_token_is_valid_until_logout() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let login = accounts
            .login(&alice, None, Some("phone".to_owned()))
            .await
            .unwrap();
        let session = accounts
            .session(&login.access_token)
            .await
            .unwrap()
            .unwrap();

        accounts.logout(&session).await.unwrap();

        assert_eq!(session.user_id, alice);
        assert_eq!(session.device_id, login.device_id);
        assert!(login.access_token.len() >= 32);
        assert_eq!(accounts.session(&login.access_token).await.unwrap(), None);
        assert!(accounts.devices(&alice).await.unwrap().is_empty());
        accounts.logout(&session).await.unwrap();
    }

    #[tokio::test]
    async fn another_login_of_a_device_replaces_its_token_and_keeps_its_name() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let name = Some("phone".to_owned());
        let first = accounts
            .login(&alice, Some("D".into()), name.clone())
            .await
            .unwrap();
        assert!(
            accounts
                .session(&first.access_token)
                .await
                .unwrap()
                .is_some()
        );

        let second = accounts
            .login(&alice, Some("D".into()), None)
            .await
            .unwrap();

        assert_eq!(accounts.session(&first.access_token).await.unwrap(), None);
        assert!(
            accounts
                .session(&second.access_token)
                .await
                .unwrap()
                .is_some()
        );
        let devices = accounts.devices(&alice).await.unwrap();
        assert_eq!(devices.len(), 1);
        assert_eq!(devices[0].display_name, name);
    }

    #[tokio::test]
    async fn a_deactivated_account_has_no_sessions_and_no_password() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        accounts
            .create(&alice, Some("pw"), NewAccount::default())
            .await
            .unwrap();
        let login = accounts.login(&alice, None, None).await.unwrap();
        assert!(
            accounts
                .session(&login.access_token)
                .await
                .unwrap()
                .is_some()
        );

        accounts.deactivate(&alice).await.unwrap();

        assert_eq!(accounts.session(&login.access_token).await.unwrap(), None);
        assert!(matches!(
            accounts.login(&alice, None, None).await,
            Err(Error::UnknownUser)
        ));
        let account = accounts.account(&alice).await.unwrap().unwrap();
        assert!(account.deactivated && !account.has_password);
        let again = accounts.create(&alice, None, NewAccount::default()).await;
        assert!(matches!(again, Err(Error::UserInUse)));
    }

    #[tokio::test]
    async fn foreign_text_is_no_token() {
        let (accounts, _dir) = accounts().await;

        for token in ["", "x", &"y".repeat(10_000)] {
            assert_eq!(accounts.session(token).await.unwrap(), None);
        }
    }
}
