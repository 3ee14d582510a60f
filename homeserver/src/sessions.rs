//! Login, logout and who asks.

use std::{net::IpAddr, sync::Arc};

use gantry_accounts::{Account, Refresh, Secret, Session, TokenState};
use gantry_model::{
    ErrorKind,
    id::{OwnedDeviceId, OwnedUserId, UserId},
};

use crate::{Error, Login, LoginName, LoginProof, Result, core::Core, login::locked};

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
#[derive(Clone)]
pub struct LoggedIn {
    /// Who.
    pub user_id: OwnedUserId,
    /// The access token.
    pub access_token: String,
    /// The device.
    pub device_id: OwnedDeviceId,
    /// How to go on when the token has expired; `None`: it does not expire.
    pub refresh: Option<Refresh>,
}

/// Tokens are never shown.
impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LoggedIn")
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
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
    pub(crate) fn as_secret(&self) -> Secret<'_> {
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
        let mut flows = vec!["m.login.password", "m.login.token"];
        if self
            .core
            .config
            .accounts
            .appservices
            .iter()
            .next()
            .is_some()
        {
            flows.push("m.login.application_service");
        }
        flows
    }

    /// Logs in with a password. A wrong user and a wrong password are not told apart.
    pub async fn login_password(&self, request: LoginRequest) -> Result<LoggedIn> {
        self.login(Login {
            proof: LoginProof::Password {
                name: LoginName::User(request.user),
                secret: request.secret,
            },
            device_id: request.device_id,
            initial_device_display_name: request.initial_device_display_name,
            refresh: false,
        })
        .await
    }

    /// Who holds the token. A locked account can do nothing with it.
    pub async fn authenticate(&self, token: &str) -> Result<Session> {
        let session = self.authenticate_for_logout(token).await?;
        if session.locked {
            Err(locked())
        } else {
            Ok(session)
        }
    }

    /// Who holds the token, to end his session: also a locked account can do that.
    pub async fn authenticate_for_logout(&self, token: &str) -> Result<Session> {
        let unknown = |soft_logout, reason| {
            Err(Error::refused(
                ErrorKind::UnknownToken { soft_logout },
                reason,
            ))
        };
        match self.core.accounts.token_state(token).await? {
            TokenState::Valid(session) => Ok(session),
            TokenState::Expired => unknown(true, "The access token has expired"),
            TokenState::Unknown => unknown(false, "Unrecognized access token"),
        }
    }

    /// Notes that a session was used, from which address and with which software. That this fails
    /// keeps nobody from anything.
    pub async fn note_use(&self, session: &Session, address: IpAddr, agent: Option<&str>) {
        if session.appservice.is_none()
            && let Err(error) = self
                .core
                .accounts
                .note_use(session, address.to_string(), agent)
                .await
        {
            tracing::warn!(%error, "the use of a session could not be noted");
        }
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
}

impl Core {
    /// The user of this server that a client names by local part or full id, upper case forgiven.
    /// An unknown user comes back too, so that checking its password takes its time.
    pub(crate) async fn local_user(&self, named: &str) -> Result<Option<OwnedUserId>> {
        let full = if named.starts_with('@') {
            named.to_owned()
        } else {
            format!("@{named}:{}", self.server_name())
        };
        let Some(user) = gantry_model::id::parse_user(&full) else {
            return Ok(None);
        };
        if !self.is_local(&user) {
            return Ok(None);
        }
        if self.accounts.account(&user).await?.is_some() {
            return Ok(Some(user));
        }
        let lower = format!(
            "@{}:{}",
            user.localpart().to_lowercase(),
            self.server_name()
        );
        Ok(gantry_model::id::parse_user(&lower))
    }
}

pub(crate) fn wrong_credentials() -> Error {
    Error::refused(ErrorKind::WrongCredentials, "Invalid username or password")
}
