//! What administrators may do with accounts. With rooms: `admin_rooms.rs`; reports: `reports.rs`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#server-administration>. The
//! rest is what moderation tools use of Synapse's admin API:
//! <https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html>.

use std::sync::Arc;

use gantry_accounts::{
    Account, Device, NewAccount, RegistrationToken, Session, StoredReport, Threepid,
};
use gantry_model::id::{OwnedUserId, UserId};

use crate::{
    Error, Propagate, Result, Sessions, core::Core, profiles::Profiles,
    registration::check_password, username,
};

/// Accounts read at once.
const PAGE: usize = 500;
/// The most accounts that a list looks at.
const MAX_LOOKED_AT: usize = 100_000;
/// The most accounts of an answer.
const MAX_LIMIT: usize = 1_000;

/// What administrators may do.
#[derive(Clone)]
pub struct Administration {
    pub(crate) core: Arc<Core>,
}

/// Which accounts are wanted.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// How many are passed over.
    pub from: usize,
    /// The most that are given; 100 without it.
    pub limit: Option<usize>,
    /// A part of the user id or display name.
    pub name: Option<String>,
    /// A part of the user id.
    pub user_id: Option<String>,
    /// Whether guests are given too; they are without it.
    pub guests: Option<bool>,
    /// Whether deactivated accounts are given too; only those that are not without it.
    pub deactivated: bool,
    /// Only administrators, or only others.
    pub admins: Option<bool>,
}

/// A change of an account; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// The password.
    pub password: Option<String>,
    /// Whether a new password ends all sessions.
    pub logout_devices: bool,
    /// The display name; `Some(None)` takes it away.
    pub display_name: Option<Option<String>>,
    /// The picture; `Some(None)` takes it away.
    pub avatar_url: Option<Option<String>>,
    /// Whether it administers the server.
    pub admin: Option<bool>,
    /// Whether it is ended, or open again.
    pub deactivated: Option<bool>,
    /// Whether it is locked.
    pub locked: Option<bool>,
    /// All its third-party identifiers: medium and address.
    pub threepids: Option<Vec<(String, String)>>,
}

impl Administration {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The devices of a user: for himself and for administrators.
    pub async fn whois(&self, session: &Session, user: &UserId) -> Result<Vec<Device>> {
        if session.user_id != user {
            require_admin(session)?;
        }
        self.account(user).await?;
        Ok(self.core.accounts.devices(user).await?)
    }

    /// Whether an account is locked.
    pub async fn is_locked(&self, session: &Session, user: &UserId) -> Result<bool> {
        Ok(self.governed(session, user).await?.locked)
    }

    /// Locks an account, or unlocks it.
    pub async fn set_locked(&self, session: &Session, user: &UserId, locked: bool) -> Result<()> {
        self.governed(session, user).await?;
        Ok(self.core.accounts.set_locked(user, locked).await?)
    }

    /// Whether an account is suspended.
    pub async fn is_suspended(&self, session: &Session, user: &UserId) -> Result<bool> {
        Ok(self.governed(session, user).await?.suspended)
    }

    /// Suspends an account, or no longer.
    pub async fn set_suspended(
        &self,
        session: &Session,
        user: &UserId,
        suspended: bool,
    ) -> Result<()> {
        self.governed(session, user).await?;
        Ok(self.core.accounts.set_suspended(user, suspended).await?)
    }

    /// A page of accounts, ordered by user id, and how many there are in all.
    pub async fn users(
        &self,
        session: &Session,
        query: &UserQuery,
    ) -> Result<(Vec<Account>, usize)> {
        require_admin(session)?;
        let mut all = self.matching(query).await?;
        all.sort_by(|one, other| one.user_id.cmp(&other.user_id));
        let total = all.len();
        let limit = query.limit.unwrap_or(100).min(MAX_LIMIT);
        Ok((
            all.into_iter().skip(query.from).take(limit).collect(),
            total,
        ))
    }

    /// An account and its third-party identifiers.
    pub async fn user(&self, session: &Session, user: &UserId) -> Result<(Account, Vec<Threepid>)> {
        require_admin(session)?;
        let account = self.account(user).await?;
        Ok((account, self.core.accounts.threepids(user).await?))
    }

    /// Changes an account, or makes it; true: it was made.
    pub async fn put_user(
        &self,
        session: &Session,
        user: &UserId,
        change: UserChange,
    ) -> Result<bool> {
        require_admin(session)?;
        self.check_local(user)?;
        check_password(change.password.as_deref())?;
        let is_new = self.core.accounts.account(user).await?.is_none();
        if is_new {
            username::new_appservice_user_id(user.localpart(), self.core.server_name())?;
            let options = NewAccount::default();
            let password = change.password.as_deref();
            self.core.accounts.create(user, password, options).await?;
        }
        self.change(session, user, change, is_new).await?;
        Ok(is_new)
    }

    /// Ends an account.
    pub async fn deactivate(&self, session: &Session, user: &UserId, erase: bool) -> Result<()> {
        require_admin(session)?;
        self.account(user).await?;
        self.core.end_account(user, erase).await
    }

    /// Sets another password.
    pub async fn reset_password(
        &self,
        session: &Session,
        user: &UserId,
        password: &str,
        logout_devices: bool,
    ) -> Result<()> {
        require_admin(session)?;
        self.account(user).await?;
        self.core
            .reset_password(user, password, logout_devices)
            .await
    }

    /// Makes a user an administrator, or no longer. Nobody takes it from himself.
    pub async fn set_admin(&self, session: &Session, user: &UserId, admin: bool) -> Result<()> {
        require_admin(session)?;
        self.account(user).await?;
        if session.user_id == user && !admin {
            return Err(Error::invalid("You may not demote yourself"));
        }
        Ok(self.core.accounts.set_admin(user, admin).await?)
    }

    /// Ends devices of a user.
    pub async fn delete_devices(
        &self,
        session: &Session,
        user: &UserId,
        devices: &[gantry_model::id::OwnedDeviceId],
    ) -> Result<()> {
        require_admin(session)?;
        self.account(user).await?;
        for device in devices {
            match self.core.accounts.delete_device(user, device).await {
                Ok(()) | Err(gantry_accounts::Error::UnknownDevice) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// All registration tokens.
    pub async fn registration_tokens(&self, session: &Session) -> Result<Vec<RegistrationToken>> {
        require_admin(session)?;
        Ok(self.core.accounts.registration_tokens().await?)
    }

    /// Makes a registration token.
    pub async fn create_registration_token(
        &self,
        session: &Session,
        wished: Option<String>,
        uses_allowed: Option<i64>,
        expires_ts: Option<i64>,
    ) -> Result<RegistrationToken> {
        require_admin(session)?;
        Ok(self
            .core
            .accounts
            .create_registration_token(wished, uses_allowed, expires_ts)
            .await?)
    }

    /// Deletes a registration token.
    pub async fn delete_registration_token(&self, session: &Session, token: &str) -> Result<()> {
        require_admin(session)?;
        if self.core.accounts.delete_registration_token(token).await? {
            Ok(())
        } else {
            Err(Error::not_found("No such registration token"))
        }
    }

    /// Reports, the newest first, from before the one of this id.
    pub async fn reports(
        &self,
        session: &Session,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredReport>> {
        require_admin(session)?;
        Ok(self.core.accounts.reports(before, limit).await?)
    }

    /// One report.
    pub async fn report(&self, session: &Session, id: &str) -> Result<Option<StoredReport>> {
        require_admin(session)?;
        let found = self.core.accounts.report(id).await?;
        Ok(found.map(|report| StoredReport {
            id: id.to_owned(),
            report,
        }))
    }

    /// Deletes a report.
    pub async fn delete_report(&self, session: &Session, id: &str) -> Result<()> {
        require_admin(session)?;
        if self.core.accounts.delete_report(id).await? {
            Ok(())
        } else {
            Err(Error::not_found("No such report"))
        }
    }

    async fn change(
        &self,
        session: &Session,
        user: &UserId,
        change: UserChange,
        is_new: bool,
    ) -> Result<()> {
        let accounts = &self.core.accounts;
        if change.deactivated == Some(false) {
            accounts.reactivate(user).await?;
        }
        if let Some(password) = change.password.as_deref().filter(|_| !is_new) {
            self.core
                .reset_password(user, password, change.logout_devices)
                .await?;
        }
        let as_user = Session {
            unlimited: true,
            ..Session::new(user.to_owned(), "".into(), [0; 32])
        };
        let profiles = Profiles::new(self.core.clone());
        let fields = [
            ("displayname", change.display_name),
            ("avatar_url", change.avatar_url),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                let value = value.map(serde_json::Value::String);
                profiles
                    .put_field(&as_user, field, value, Propagate::All)
                    .await?;
            }
        }
        if let Some(threepids) = change.threepids {
            accounts.remove_threepids(user).await?;
            let now = self.core.clock.now_ms();
            for (medium, address) in threepids {
                accounts.add_threepid(user, &medium, &address, now).await?;
            }
        }
        if let Some(locked) = change.locked {
            accounts.set_locked(user, locked).await?;
        }
        if let Some(admin) = change.admin {
            self.set_admin(session, user, admin).await?;
        }
        if change.deactivated == Some(true) {
            self.core.end_account(user, false).await?;
        }
        Ok(())
    }

    async fn matching(&self, query: &UserQuery) -> Result<Vec<Account>> {
        let mut found = Vec::new();
        let mut last: Option<OwnedUserId> = None;
        for _ in 0..MAX_LOOKED_AT / PAGE {
            let page = self
                .core
                .accounts
                .list_accounts(last.as_deref(), PAGE)
                .await?;
            let is_full = page.len() == PAGE;
            last = page.last().map(|account| account.user_id.clone());
            found.extend(page.into_iter().filter(|account| query.fits(account)));
            if !is_full {
                break;
            }
        }
        Ok(found)
    }

    /// An account of this server that is there, also a deactivated one.
    pub(crate) async fn account(&self, user: &UserId) -> Result<Account> {
        self.check_local(user)?;
        let account = self.core.accounts.account(user).await?;
        account.ok_or_else(|| Error::not_found("User not found"))
    }

    /// An account over which the administrator has power: not his own, and not another
    /// administrator's.
    async fn governed(&self, session: &Session, user: &UserId) -> Result<Account> {
        require_admin(session)?;
        let account = self.account(user).await?;
        if account.deactivated {
            return Err(Error::not_found("User not found"));
        }
        if account.admin || session.user_id == user {
            return Err(Error::forbidden("The user is an administrator"));
        }
        Ok(account)
    }

    fn check_local(&self, user: &UserId) -> Result<()> {
        if self.core.is_local(user) {
            Ok(())
        } else {
            let reason = "User does not belong to the local server";
            Err(Error::invalid(reason))
        }
    }
}

impl UserQuery {
    fn fits(&self, account: &Account) -> bool {
        let id = account.user_id.as_str();
        let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
        let names = [
            Some(account.user_id.localpart()),
            account.display_name.as_deref(),
        ];
        self.user_id.as_deref().is_none_or(|part| has(id, part))
            && self.name.as_deref().is_none_or(|part| {
                names.into_iter().flatten().any(|name| has(name, part)) || has(id, part)
            })
            && (self.guests.unwrap_or(true) || !account.guest)
            && (self.deactivated || !account.deactivated)
            && self.admins.is_none_or(|admins| admins == account.admin)
    }
}

impl Sessions {
    /// Sets a password for whoever runs the server, and ends all sessions if wished.
    pub async fn reset_password(
        &self,
        user: &UserId,
        password: &str,
        logout_devices: bool,
    ) -> Result<()> {
        self.core
            .reset_password(user, password, logout_devices)
            .await
    }

    /// Ends an account for whoever runs the server.
    pub async fn deactivate_directly(&self, user: &UserId, erase: bool) -> Result<()> {
        self.core.end_account(user, erase).await
    }

    /// Makes a user an administrator, or no longer, for whoever runs the server.
    pub async fn set_admin_directly(&self, user: &UserId, admin: bool) -> Result<()> {
        Ok(self.core.accounts.set_admin(user, admin).await?)
    }

    /// The registration tokens, for whoever runs the server.
    pub async fn registration_tokens_directly(&self) -> Result<Vec<RegistrationToken>> {
        Ok(self.core.accounts.registration_tokens().await?)
    }

    /// Makes a registration token for whoever runs the server; it ends after `lifetime_ms`.
    pub async fn create_registration_token_directly(
        &self,
        wished: Option<String>,
        uses_allowed: Option<i64>,
        lifetime_ms: Option<i64>,
    ) -> Result<RegistrationToken> {
        let end = lifetime_ms.map(|lifetime| self.core.clock.now_ms() + lifetime);
        Ok(self
            .core
            .accounts
            .create_registration_token(wished, uses_allowed, end)
            .await?)
    }

    /// Deletes a registration token for whoever runs the server; false: there is none.
    pub async fn delete_registration_token_directly(&self, token: &str) -> Result<bool> {
        Ok(self.core.accounts.delete_registration_token(token).await?)
    }
}

impl Core {
    async fn reset_password(
        &self,
        user: &UserId,
        password: &str,
        logout_devices: bool,
    ) -> Result<()> {
        check_password(Some(password))?;
        self.accounts.set_password(user, password).await?;
        if logout_devices {
            self.accounts.logout_all(user).await?;
        }
        Ok(())
    }
}

/// Fails unless the user administers the server.
pub(crate) fn require_admin(session: &Session) -> Result<()> {
    if session.admin {
        Ok(())
    } else {
        Err(Error::forbidden("You are not a server administrator"))
    }
}
