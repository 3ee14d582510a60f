//! Logging in and out.

use gantry_homeserver::{LoginRequest, LoginSecret, NewUser, Session};
use gantry_model::ErrorKind;

use crate::dto::user::User;
use crate::error::{Error, Result};
use crate::map::user_of;
use crate::state::RocketchatState;

/// What new devices are called.
const DEVICE_NAME: &str = "Rocket.Chat";

/// What a client shows to log in.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// A user name, and the password or its digest.
    Password {
        /// The user name, or the whole user id.
        user: String,
        /// The password.
        secret: LoginSecret,
    },
    /// A token that it has.
    Resume(String),
}

/// A login that succeeded.
pub(crate) struct Login {
    pub(crate) session: Session,
    pub(crate) token: String,
    /// `password` or `resume`.
    pub(crate) kind: &'static str,
}

impl RocketchatState {
    /// Logs in.
    pub(crate) async fn login(&self, credentials: Credentials) -> Result<Login> {
        let sessions = &self.homeserver().sessions;
        let (token, kind) = match credentials {
            Credentials::Resume(token) => (token, "resume"),
            Credentials::Password { user, secret } => {
                let user = user_of(&user, self.server()).ok_or_else(Error::wrong_credentials)?;
                let request = LoginRequest {
                    user: user.to_string(),
                    secret,
                    device_id: None,
                    initial_device_display_name: Some(DEVICE_NAME.to_owned()),
                };
                let failed = |error: gantry_homeserver::Error| match error.kind() {
                    ErrorKind::WrongCredentials | ErrorKind::UserDeactivated => {
                        Error::wrong_credentials()
                    }
                    _ => error.into(),
                };
                let login = sessions.login_password(request).await.map_err(failed)?;
                (login.access_token, "password")
            }
        };
        let expired = |error: gantry_homeserver::Error| match error.kind() {
            ErrorKind::UnknownToken { .. } => {
                // Clients look for these words.
                let reason =
                    "You've been logged out by the server. Please log in again.".to_owned();
                Error {
                    reason,
                    ..Error::wrong_credentials()
                }
            }
            _ => error.into(),
        };
        let session = sessions.authenticate(&token).await.map_err(expired)?;
        self.homeserver()
            .workspace
            .ensure_rc_user(&session.user_id)
            .await?;
        Ok(Login {
            session,
            token,
            kind,
        })
    }

    /// Makes an account. The first one administers the server.
    pub(crate) async fn register(
        &self,
        username: &str,
        password: &str,
        name: Option<String>,
    ) -> Result<User> {
        let sessions = &self.homeserver().sessions;
        if !sessions.registration_open() {
            let reason = "User registration is disabled";
            return Err(Error::new("error-user-registration-disabled", reason));
        }
        let admin = sessions.list_accounts(None, 1).await?.is_empty();
        let options = NewUser {
            admin,
            display_name: name.filter(|name| !name.is_empty()),
        };
        let in_use = |error: gantry_homeserver::Error| match error.kind() {
            ErrorKind::UserInUse => Error::plain("Username is already in use"),
            _ => error.into(),
        };
        let user = sessions
            .register_directly(username, password, options)
            .await
            .map_err(in_use)?;
        let account = sessions.account(&user).await?.ok_or_else(Error::no_user)?;
        self.local_user(account).await
    }
}
