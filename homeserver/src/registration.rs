//! New accounts.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register>.

use gantry_accounts::{EmailPurpose, NewAccount, NewSession};
use gantry_model::{
    ErrorKind,
    id::{OwnedDeviceId, OwnedUserId},
};

use crate::{
    Error, Result, Sessions, Uia, UiaRequest,
    uia::{Checked, DUMMY, EMAIL, Flows, Guard, Proven, REGISTRATION_TOKEN, TERMS},
    username,
};

/// The longest password, in bytes.
const MAX_PASSWORD_BYTES: usize = 512;

/// What kind of account is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AccountKind {
    /// With a password.
    #[default]
    User,
    /// Without one.
    Guest,
}

/// A wish for an account.
#[derive(Debug, Clone, Default)]
pub struct RegisterRequest {
    /// The user name; without one the server chooses.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The device to log in as.
    pub device_id: Option<OwnedDeviceId>,
    /// What the device is called.
    pub initial_device_display_name: Option<String>,
    /// Do not log in.
    pub inhibit_login: bool,
    /// What kind of account.
    pub kind: AccountKind,
    /// Whether the client can refresh its access token.
    pub refresh: bool,
    /// The client's authentication.
    pub auth: UiaRequest,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The user.
    pub user_id: OwnedUserId,
    /// The session, unless none was wanted.
    pub login: Option<NewSession>,
}

/// What an administrator decides about a new account.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// Whether it administers the server.
    pub admin: bool,
    /// The display name.
    pub display_name: Option<String>,
}

impl Sessions {
    /// Whether anybody may register.
    pub fn registration_open(&self) -> bool {
        self.core.config.registration.open && !self.core.config.accounts.token_required
    }

    /// Whether somebody could register with this token. `Forbidden` if nobody registers by token.
    pub async fn registration_token_valid(&self, token: &str) -> Result<bool> {
        if !self.core.config.accounts.token_required {
            return Err(Error::forbidden("Registration tokens are not in use"));
        }
        Ok(self
            .core
            .accounts
            .is_registration_token_valid(token)
            .await?)
    }

    /// Registers an account, if registration is open.
    pub async fn register(&self, request: RegisterRequest) -> Result<Uia<Registered>> {
        match request.kind {
            AccountKind::Guest => self.register_guest(request).await.map(Uia::Done),
            AccountKind::User => self.register_user(request).await,
        }
    }

    /// Registers an account for an administrator, or for a surface that asked
    /// [`Sessions::registration_open`] itself.
    pub async fn register_directly(
        &self,
        username: &str,
        password: &str,
        options: NewUser,
    ) -> Result<OwnedUserId> {
        let options = NewAccount {
            admin: options.admin,
            display_name: options.display_name,
            ..NewAccount::default()
        };
        self.create_user(username, Some(password), options).await
    }

    /// Fails if the name cannot be registered.
    pub async fn username_available(&self, username: &str) -> Result<()> {
        let user = username::new_user_id(username, self.core.server_name())?;
        self.core.check_not_claimed(&user)?;
        match self.core.accounts.account(&user).await? {
            Some(_) => Err(in_use()),
            None => Ok(()),
        }
    }

    pub(crate) async fn create_user(
        &self,
        username: &str,
        password: Option<&str>,
        options: NewAccount,
    ) -> Result<OwnedUserId> {
        let user = username::new_user_id(&username.to_lowercase(), self.core.server_name())?;
        check_password(password)?;
        self.create_account(user, password, options).await
    }

    async fn register_user(&self, request: RegisterRequest) -> Result<Uia<Registered>> {
        let policy = &self.core.config.accounts;
        if !self.core.config.registration.open && !policy.token_required {
            return Err(Error::forbidden("Registration has been disabled"));
        }
        let name = match &request.username {
            Some(name) => name.to_lowercase(),
            None => username::random_name(&*self.core.rng, false),
        };
        self.username_available(&name).await?;
        check_password(request.password.as_deref())?;
        let guard = Guard {
            request: &request.auth,
            user: None,
            flows: self.register_flows(),
            email: Some(EmailPurpose::Register),
        };
        let proven = match self.core.guard(guard).await? {
            Checked::Passed(proven) => proven,
            Checked::Challenge(challenge) => return Ok(Uia::Needed(challenge)),
        };
        let Some(password) = request.password.as_deref() else {
            return Err(Error::refused(
                ErrorKind::MissingParam,
                "Missing params: password",
            ));
        };
        let user = self.create_proven(&name, password, proven).await?;
        self.core.served(&request.auth).await?;
        self.first_login(user, request).await.map(Uia::Done)
    }

    /// The ways to register: whatever the operator asks for, and an e-mail address if the user
    /// likes.
    fn register_flows(&self) -> Flows {
        let policy = &self.core.config.accounts;
        let mut asked = Vec::new();
        if policy.token_required {
            asked.push(REGISTRATION_TOKEN);
        }
        if !policy.terms.is_empty() {
            asked.push(TERMS);
        }
        let with_email = [asked.clone(), vec![EMAIL]].concat();
        if asked.is_empty() {
            asked.push(DUMMY);
        }
        match (policy.email_required, self.core.mailer.is_some()) {
            (true, _) => vec![with_email],
            (false, true) => vec![asked, with_email],
            (false, false) => vec![asked],
        }
    }

    /// Makes the account, with the use of the registration token and the address that were given.
    async fn create_proven(
        &self,
        name: &str,
        password: &str,
        proven: Proven,
    ) -> Result<OwnedUserId> {
        let accounts = &self.core.accounts;
        if let Some(token) = &proven.registration_token
            && !accounts.use_registration_token(token).await?
        {
            return Err(Error::forbidden("The registration token is used up"));
        }
        let made = self
            .create_user(name, Some(password), NewAccount::default())
            .await;
        let user = match (made, &proven.registration_token) {
            (Ok(user), _) => user,
            (Err(error), Some(token)) => {
                accounts.return_registration_token(token).await?;
                return Err(error);
            }
            (Err(error), None) => return Err(error),
        };
        if let Some(email) = proven.email {
            let (address, ts) = (&email.address, email.validated_ts);
            if let Err(error) = accounts.add_threepid(&user, "email", address, ts).await {
                tracing::warn!(%error, "an address was taken while its owner registered");
            }
        }
        Ok(user)
    }

    async fn register_guest(&self, request: RegisterRequest) -> Result<Registered> {
        if !self.core.config.registration.guests {
            return Err(Error::forbidden("Guest access is disabled"));
        }
        let name = username::random_name(&*self.core.rng, true);
        let user = OwnedUserId::try_from(format!("@{name}:{}", self.core.server_name()))
            .map_err(|_| Error::refused(ErrorKind::InvalidUsername, "Not a user name"))?;
        let options = NewAccount {
            guest: true,
            ..NewAccount::default()
        };
        let user = self.create_account(user, None, options).await?;
        // A guest cannot choose a device (specification).
        self.first_login(
            user,
            RegisterRequest {
                device_id: None,
                ..request
            },
        )
        .await
    }

    pub(crate) async fn create_account(
        &self,
        user: OwnedUserId,
        password: Option<&str>,
        options: NewAccount,
    ) -> Result<OwnedUserId> {
        match self.core.accounts.create(&user, password, options).await {
            Ok(()) => Ok(user),
            Err(gantry_accounts::Error::UserInUse) => Err(in_use()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn first_login(
        &self,
        user: OwnedUserId,
        request: RegisterRequest,
    ) -> Result<Registered> {
        let login = if request.inhibit_login {
            None
        } else {
            let name = request.initial_device_display_name;
            let lifetime = request
                .refresh
                .then_some(self.core.config.accounts.access_token_lifetime_ms);
            Some(
                self.core
                    .accounts
                    .login_for(&user, request.device_id, name, lifetime)
                    .await?,
            )
        };
        Ok(Registered {
            user_id: user,
            login,
        })
    }
}

/// Fails if the password cannot be one.
pub(crate) fn check_password(password: Option<&str>) -> Result<()> {
    match password {
        Some("") => Err(Error::refused(
            ErrorKind::WeakPassword,
            "The password is empty",
        )),
        Some(long) if long.len() > MAX_PASSWORD_BYTES => {
            Err(Error::invalid("The password is too long"))
        }
        _ => Ok(()),
    }
}

fn in_use() -> Error {
    Error::refused(ErrorKind::UserInUse, "User ID already taken")
}
