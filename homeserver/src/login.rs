//! The ways to log in.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#login>.

use gantry_accounts::{LOGIN_TOKEN_MS, Session};
use gantry_model::{
    ErrorKind,
    id::{OwnedDeviceId, OwnedUserId, UserId},
};

use crate::{
    Error, LoggedIn, LoginSecret, Result, Sessions, Uia, UiaRequest,
    core::Core,
    sessions::wrong_credentials,
    uia::{Checked, Guard, PASSWORD},
};

/// A wish to log in.
#[derive(Debug, Clone)]
pub struct Login {
    /// How the user shows who he is.
    pub proof: LoginProof,
    /// The device to log in as; without one it is a new device.
    pub device_id: Option<OwnedDeviceId>,
    /// What a new device is called.
    pub initial_device_display_name: Option<String>,
    /// Whether the client can refresh its access token.
    pub refresh: bool,
}

/// How a user shows who he is.
#[derive(Clone)]
pub enum LoginProof {
    /// By a password.
    Password {
        /// Who.
        name: LoginName,
        /// The password.
        secret: LoginSecret,
    },
    /// By a token that another session of the user asked for.
    Token(String),
    /// By the token of an application service, for a user of it.
    Appservice {
        /// The token of the application service.
        token: String,
        /// Local part or full user id; without it the application service's own user.
        user: Option<String>,
    },
}

/// Secrets are never shown.
impl std::fmt::Debug for LoginProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password(..)",
            Self::Token(_) => "Token(..)",
            Self::Appservice { .. } => "Appservice(..)",
        })
    }
}

/// How a user names himself.
#[derive(Debug, Clone)]
pub enum LoginName {
    /// By local part or full user id.
    User(String),
    /// By a third-party identifier.
    Threepid {
        /// Its medium.
        medium: String,
        /// Its address.
        address: String,
    },
}

impl Sessions {
    /// Logs in.
    pub async fn login(&self, login: Login) -> Result<LoggedIn> {
        let user = match &login.proof {
            LoginProof::Password { name, secret } => self.by_password(name, secret).await?,
            LoginProof::Token(token) => self.by_token(token).await?,
            LoginProof::Appservice { token, user } => {
                self.by_appservice(token, user.as_deref()).await?
            }
        };
        let lifetime = login
            .refresh
            .then_some(self.core.config.accounts.access_token_lifetime_ms);
        let session = self
            .core
            .accounts
            .login_for(
                &user,
                login.device_id,
                login.initial_device_display_name,
                lifetime,
            )
            .await?;
        Ok(LoggedIn {
            user_id: user,
            access_token: session.access_token,
            device_id: session.device_id,
            refresh: session.refresh,
        })
    }

    /// Exchanges a refresh token for another access token. `UnknownToken` if it is not valid.
    pub async fn refresh(&self, token: &str) -> Result<gantry_accounts::NewSession> {
        let lifetime = self.core.config.accounts.access_token_lifetime_ms;
        let session = self.core.accounts.refresh(token, lifetime).await?;
        session.ok_or_else(|| {
            // The client need not throw its keys away for that.
            let kind = ErrorKind::UnknownToken { soft_logout: true };
            Error::refused(kind, "Unknown refresh token")
        })
    }

    /// A token by which another client can log in as the user once, and for how many milliseconds
    /// it is valid.
    pub async fn login_token(
        &self,
        session: &Session,
        request: &UiaRequest,
    ) -> Result<Uia<(String, i64)>> {
        let guard = Guard {
            request,
            user: Some(&session.user_id),
            flows: vec![vec![PASSWORD]],
            email: None,
        };
        if let Checked::Challenge(challenge) = self.core.guard(guard).await? {
            return Ok(Uia::Needed(challenge));
        }
        let token = self
            .core
            .accounts
            .issue_login_token(&session.user_id)
            .await?;
        self.core.served(request).await?;
        Ok(Uia::Done((token, LOGIN_TOKEN_MS)))
    }

    /// A token by which the user shows others who he is.
    pub async fn openid_token(&self, session: &Session) -> Result<String> {
        let accounts = &self.core.accounts;
        Ok(accounts.issue_openid_token(&session.user_id).await?)
    }

    async fn by_password(&self, name: &LoginName, secret: &LoginSecret) -> Result<OwnedUserId> {
        let user = match name {
            LoginName::User(name) => self.core.local_user(name).await?,
            LoginName::Threepid { medium, address } => {
                self.core.accounts.threepid_owner(medium, address).await?
            }
        };
        let user = user.ok_or_else(wrong_credentials)?;
        self.core.limits.check_password(&user)?;
        self.core.check_open(&user).await?;
        let fits = self
            .core
            .accounts
            .verify_password(&user, secret.as_secret())
            .await?;
        if !fits {
            return Err(wrong_credentials());
        }
        self.core.check_unlocked(&user).await?;
        Ok(user)
    }

    async fn by_token(&self, token: &str) -> Result<OwnedUserId> {
        let user = self.core.accounts.redeem_login_token(token).await?;
        let invalid = || Error::forbidden("Invalid login token");
        let user = user.ok_or_else(invalid)?;
        self.core.check_open(&user).await?;
        self.core.check_unlocked(&user).await?;
        Ok(user)
    }

    async fn by_appservice(&self, token: &str, named: Option<&str>) -> Result<OwnedUserId> {
        let appservice = self.core.appservice(token)?;
        let user = match named {
            None => appservice.sender.clone(),
            Some(name) => self
                .core
                .local_user(name)
                .await?
                .ok_or_else(|| Error::invalid("Not a user of this server"))?,
        };
        self.core.check_masquerade(appservice, &user).await?;
        self.core.check_open(&user).await?;
        Ok(user)
    }
}

impl Core {
    /// Fails if the account was ended.
    async fn check_open(&self, user: &UserId) -> Result<()> {
        let account = self.accounts.account(user).await?;
        if account.is_some_and(|account| account.deactivated) {
            let reason = "This account has been deactivated";
            return Err(Error::refused(ErrorKind::UserDeactivated, reason));
        }
        Ok(())
    }

    /// Fails if the account is locked; asked after who it is was shown.
    async fn check_unlocked(&self, user: &UserId) -> Result<()> {
        let account = self.accounts.account(user).await?;
        if account.is_some_and(|account| account.locked) {
            return Err(locked());
        }
        Ok(())
    }
}

pub(crate) fn locked() -> Error {
    Error::refused(ErrorKind::UserLocked, "This account has been locked")
}
