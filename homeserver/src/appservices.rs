//! Application services that act for their users.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/application-service-api/#client-server-api-extensions>.

use gantry_accounts::{Appservice, NewAccount, Session};
use gantry_model::{
    ErrorKind,
    hash::sha256,
    id::{OwnedDeviceId, OwnedUserId, RoomAliasId, UserId},
};

use crate::{Error, RegisterRequest, Registered, Result, Sessions, core::Core, username};

/// For whom an application service acts.
#[derive(Debug, Clone, Default)]
pub struct Masquerade {
    /// The user; without one the application service's own.
    pub user_id: Option<String>,
    /// The device, which must be the user's.
    pub device_id: Option<OwnedDeviceId>,
}

impl Sessions {
    /// Who holds the token: a user, or an application service that acts for one of its users.
    pub async fn authenticate_as(&self, token: &str, who: Masquerade) -> Result<Session> {
        let appservices = &self.core.config.accounts.appservices;
        let Some(appservice) = appservices.by_token(token) else {
            return self.authenticate(token).await;
        };
        let user = match who.user_id {
            None => appservice.sender.clone(),
            Some(text) => {
                UserId::parse(text).map_err(|_| Error::invalid("user_id is not a user id"))?
            }
        };
        self.core.check_masquerade(appservice, &user).await?;
        let device_id = match who.device_id {
            None => "".into(),
            Some(device) => {
                let found = self.core.accounts.device(&user, &device).await?;
                let unknown = || Error::refused(ErrorKind::UnknownDevice, "Unknown device");
                found.ok_or_else(unknown)?.device_id
            }
        };
        let account = self.core.accounts.account(&user).await?;
        let account = account.ok_or_else(not_registered)?;
        if account.locked {
            return Err(crate::login::locked());
        }
        let key = sha256(format!("{token}\0{user}").as_bytes());
        Ok(Session {
            admin: account.admin,
            suspended: account.suspended,
            appservice: Some(appservice.id.clone()),
            unlimited: !appservice.rate_limited,
            ..Session::new(user, device_id, key)
        })
    }

    /// Registers a user of an application service, which shows itself by its token.
    pub async fn register_for_appservice(
        &self,
        token: &str,
        request: RegisterRequest,
    ) -> Result<Registered> {
        let appservice = self.core.appservice(token)?;
        let Some(name) = &request.username else {
            let reason = "Missing params: username";
            return Err(Error::refused(ErrorKind::MissingParam, reason));
        };
        let user = username::new_appservice_user_id(name, self.core.server_name())?;
        let others = &self.core.config.accounts.appservices;
        if !appservice.owns_user(&user) || others.is_user_claimed(&user, Some(&appservice.id)) {
            let reason = "Not in the application service's namespace";
            return Err(Error::refused(ErrorKind::Exclusive, reason));
        }
        let options = NewAccount {
            appservice: Some(appservice.id.clone()),
            ..NewAccount::default()
        };
        let user = self
            .create_account(user, request.password.as_deref(), options)
            .await?;
        self.first_login(user, request).await
    }
}

impl Core {
    /// The application service whose token it is.
    pub(crate) fn appservice(&self, token: &str) -> Result<&Appservice> {
        let found = self.config.accounts.appservices.by_token(token);
        found.ok_or_else(|| {
            let kind = ErrorKind::UnknownToken { soft_logout: false };
            Error::refused(kind, "Not the token of an application service")
        })
    }

    /// Fails unless the application service may act for the user. Its own user is made when it is
    /// first needed.
    pub(crate) async fn check_masquerade(
        &self,
        appservice: &Appservice,
        user: &UserId,
    ) -> Result<()> {
        if !self.is_local(user) || !appservice.owns_user(user) {
            let reason = "The application service cannot masquerade as this user";
            return Err(Error::forbidden(reason));
        }
        if self.accounts.account(user).await?.is_some() {
            return Ok(());
        }
        if appservice.sender != user {
            return Err(not_registered());
        }
        let options = NewAccount {
            appservice: Some(appservice.id.clone()),
            ..NewAccount::default()
        };
        match self.accounts.create(user, None, options).await {
            Ok(()) | Err(gantry_accounts::Error::UserInUse) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Fails if the alias is kept for an application service that does not act here.
    pub(crate) fn check_alias_not_claimed(
        &self,
        session: &Session,
        alias: &RoomAliasId,
    ) -> Result<()> {
        let (all, own) = (
            &self.config.accounts.appservices,
            session.appservice.as_deref(),
        );
        if all.is_alias_claimed(alias.as_str(), own) {
            let reason = "This alias is reserved by an application service";
            return Err(Error::refused(ErrorKind::Exclusive, reason));
        }
        Ok(())
    }

    /// Fails if the user id is kept for an application service.
    pub(crate) fn check_not_claimed(&self, user: &OwnedUserId) -> Result<()> {
        if self.config.accounts.appservices.is_user_claimed(user, None) {
            let reason = "This user id is reserved by an application service";
            return Err(Error::refused(ErrorKind::Exclusive, reason));
        }
        Ok(())
    }
}

fn not_registered() -> Error {
    Error::forbidden("The application service has not registered this user")
}
