//! Login, logout and who asks.

use std::sync::Arc;

use gantry_accounts::{Account, Secret, Session};
use gantry_model::{
    ErrorKind,
    id::{OwnedDeviceId, OwnedUserId, UserId},
};

use crate::{Error, Result, core::Core};

/// Registration, login, devices.
#[derive(Clone)]
pub struct Sessions {
    pub(crate) core: Arc<Core>,
}

/// A login with a password.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// Local part or full user id.
    pub user: String,
    /// The password, in one of the forms that clients send.
    pub secret: LoginSecret,
    /// The device to log in as; without one it is a new device.
    pub device_id: Option<OwnedDeviceId>,
    /// What a new device is called.
    pub initial_device_display_name: Option<String>,
}

/// A password in the form that the client sent.
#[derive(Clone)]
pub enum LoginSecret {
    /// The password.
    Plain(String),
    /// Its SHA-256 in hexadecimal (Rocket.Chat over DDP).
    Sha256Hex(String),
}

/// A new session.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// Who.
    pub user_id: OwnedUserId,
    /// The access token.
    pub access_token: String,
    /// The device.
    pub device_id: OwnedDeviceId,
}

/// The password itself is never printed.
impl std::fmt::Debug for LoginSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain(..)",
            Self::Sha256Hex(_) => "Sha256Hex(..)",
        })
    }
}

impl LoginSecret {
    fn as_secret(&self) -> Secret<'_> {
        match self {
            Self::Plain(text) => Secret::Plain(text),
            Self::Sha256Hex(text) => Secret::Sha256Hex(text),
        }
    }
}

impl Sessions {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The ways to log in.
    pub fn login_flows(&self) -> Vec<&'static str> {
        vec!["m.login.password"]
    }

    /// Logs in with a password. A wrong user and a wrong password are not told apart.
    pub async fn login_password(&self, request: LoginRequest) -> Result<LoggedIn> {
        let user = self
            .local_user(&request.user)
            .await?
            .ok_or_else(wrong_credentials)?;
        let account = self.core.accounts.account(&user).await?;
        if account.is_some_and(|account| account.deactivated) {
            let reason = "This account has been deactivated";
            return Err(Error::refused(ErrorKind::UserDeactivated, reason));
        }
        if !self
            .core
            .accounts
            .verify_password(&user, request.secret.as_secret())
            .await?
        {
            return Err(wrong_credentials());
        }
        let name = request.initial_device_display_name;
        let session = self
            .core
            .accounts
            .login(&user, request.device_id, name)
            .await?;
        Ok(LoggedIn {
            user_id: user,
            access_token: session.access_token,
            device_id: session.device_id,
        })
    }

    /// Who holds the token.
    pub async fn authenticate(&self, token: &str) -> Result<Session> {
        self.core.accounts.session(token).await?.ok_or_else(|| {
            Error::refused(
                ErrorKind::UnknownToken { soft_logout: false },
                "Unrecognized access token",
            )
        })
    }

    /// Ends the session; its device goes with it.
    pub async fn logout(&self, session: &Session) -> Result<()> {
        Ok(self.core.accounts.logout(session).await?)
    }

    /// Ends all sessions of the user.
    pub async fn logout_all(&self, session: &Session) -> Result<()> {
        Ok(self.core.accounts.logout_all(&session.user_id).await?)
    }

    /// A user of this server.
    pub async fn account(&self, user: &UserId) -> Result<Option<Account>> {
        if !self.core.is_local(user) {
            return Ok(None);
        }
        Ok(self.core.accounts.account(user).await?)
    }

    /// Users of this server, in no particular order, from after the one given.
    pub async fn list_accounts(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Account>> {
        Ok(self.core.accounts.list_accounts(after, limit).await?)
    }

    /// The user of this server that a client names by local part or full id, upper case forgiven.
    /// An unknown user comes back too, so that checking its password takes its time.
    async fn local_user(&self, named: &str) -> Result<Option<OwnedUserId>> {
        let full = if named.starts_with('@') {
            named.to_owned()
        } else {
            format!("@{named}:{}", self.core.server_name())
        };
        let Some(user) = gantry_model::id::parse_user(&full) else {
            return Ok(None);
        };
        if !self.core.is_local(&user) {
            return Ok(None);
        }
        if self.core.accounts.account(&user).await?.is_some() {
            return Ok(Some(user));
        }
        let lower = format!(
            "@{}:{}",
            user.localpart().to_lowercase(),
            self.core.server_name()
        );
        Ok(gantry_model::id::parse_user(&lower))
    }
}

fn wrong_credentials() -> Error {
    Error::refused(ErrorKind::WrongCredentials, "Invalid username or password")
}
