//! Accounts: making them, reading them, ending them.

use std::collections::BTreeMap;
use std::ops::Bound;

use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::schema::ACCOUNT;
use gantry_store::{Scan, Stamp};
use serde::{Deserialize, Serialize};

use crate::accounts::{Versioned, check_name};
use crate::{Accounts, Error, Result, Secret, keys};

/// The most accounts of one page.
const MAX_PAGE: usize = 1_000;

/// An account of this server.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The full user id.
    pub user_id: OwnedUserId,
    /// The display name, if the user has set one.
    pub display_name: Option<String>,
    /// The `mxc:` address of the avatar, if the user has set one.
    pub avatar_url: Option<String>,
    /// Whether the user administers this server.
    pub admin: bool,
    /// Whether the account is a guest's.
    pub guest: bool,
    /// Whether the account was ended; its name stays taken.
    pub deactivated: bool,
    /// Whether nothing but logging out is possible.
    pub locked: bool,
    /// Whether the user may read, but not act.
    pub suspended: bool,
    /// Whether the user wished his events to be forgotten when the account was ended.
    pub erased: bool,
    /// The application service that made the account, if one did.
    pub appservice: Option<String>,
    /// When the account was made, in milliseconds since the Unix epoch.
    pub created_ts: i64,
    /// Whether the account can log in by password.
    pub has_password: bool,
    /// Further profile fields.
    pub profile: BTreeMap<String, serde_json::Value>,
}

/// How a new account differs from an ordinary one.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// Whether the user administers this server.
    pub admin: bool,
    /// Whether the account is a guest's.
    pub guest: bool,
    /// The display name.
    pub display_name: Option<String>,
    /// The application service that makes the account.
    pub appservice: Option<String>,
}

/// The stored form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    pub(crate) user: OwnedUserId,
    /// The verifier, in the form of the password hashing competition.
    pub(crate) password: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) admin: bool,
    pub(crate) guest: bool,
    pub(crate) deactivated: bool,
    #[serde(default)]
    pub(crate) locked: bool,
    #[serde(default)]
    pub(crate) suspended: bool,
    #[serde(default)]
    pub(crate) erased: bool,
    #[serde(default)]
    pub(crate) appservice: Option<String>,
    pub(crate) created_ts: i64,
    /// JSON, because field names are the user's.
    pub(crate) profile: Option<String>,
    /// Tells two registrations of the same name apart.
    nonce: i64,
    v: i64,
}

impl Versioned for AccountRow {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl AccountRow {
    pub(crate) fn fields(&self) -> Result<BTreeMap<String, serde_json::Value>> {
        match &self.profile {
            Some(text) => serde_json::from_str(text).map_err(Error::Damaged),
            None => Ok(BTreeMap::new()),
        }
    }

    fn into_account(self) -> Result<Account> {
        Ok(Account {
            profile: self.fields()?,
            user_id: self.user,
            display_name: self.display_name,
            avatar_url: self.avatar_url,
            admin: self.admin,
            guest: self.guest,
            deactivated: self.deactivated,
            locked: self.locked,
            suspended: self.suspended,
            erased: self.erased,
            appservice: self.appservice,
            created_ts: self.created_ts,
            has_password: self.password.is_some(),
        })
    }
}

impl Accounts {
    /// Makes an account. Of several callers with one name, one succeeds and the others get
    /// [`Error::UserInUse`]; a name is never free again.
    pub async fn create(
        &self,
        user: &UserId,
        password: Option<&str>,
        options: NewAccount,
    ) -> Result<()> {
        if !self.is_local(user) {
            return Err(Error::NotLocal);
        }
        check_name(
            "the display name",
            options.display_name.as_deref().unwrap_or(""),
        )?;
        if self.row(user).await?.is_some() {
            return Err(Error::UserInUse);
        }
        let password = match password {
            Some(password) => Some(self.hash_password(password).await?),
            None => None,
        };
        let row = AccountRow {
            user: user.to_owned(),
            password,
            display_name: options.display_name,
            avatar_url: None,
            admin: options.admin,
            guest: options.guest,
            deactivated: false,
            locked: false,
            suspended: false,
            erased: false,
            appservice: options.appservice,
            created_ts: self.inner.clock.now_ms(),
            profile: None,
            nonce: self.inner.rng.next_u64() as i64,
            v: 1,
        };
        let made = self
            .inner
            .store
            .insert_new(ACCOUNT, keys::account(user), &row)
            .await?;
        if made { Ok(()) } else { Err(Error::UserInUse) }
    }

    /// An account, also a deactivated one.
    pub async fn account(&self, user: &UserId) -> Result<Option<Account>> {
        self.row(user)
            .await?
            .map(AccountRow::into_account)
            .transpose()
    }

    /// Whether no account exists yet.
    pub async fn is_first_account(&self) -> Result<bool> {
        let scan = Scan::prefix(&[]).limit(1);
        Ok(self
            .inner
            .store
            .scan::<AccountRow>(ACCOUNT, scan)
            .await?
            .is_empty())
    }

    /// Accounts in an order that stays the same, beginning after a user; at most 1,000.
    pub async fn list_accounts(
        &self,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Account>> {
        let from = after.map_or(Bound::Unbounded, |user| {
            Bound::Excluded(keys::account(user))
        });
        let scan = Scan::range(from, Bound::Unbounded).limit(limit.min(MAX_PAGE));
        let rows = self.inner.store.scan::<AccountRow>(ACCOUNT, scan).await?;
        rows.into_iter()
            .map(|(_, row)| row.into_account())
            .collect()
    }

    /// Whether the secret is the account's. False also if there is no such account, it is
    /// deactivated, or it has no password.
    pub async fn verify_password(&self, user: &UserId, secret: Secret<'_>) -> Result<bool> {
        let row = self.row(user).await?.filter(|row| !row.deactivated);
        self.inner
            .passwords
            .verify(&*self.inner.rng, secret, row.and_then(|row| row.password))
            .await
    }

    /// Sets another password; sessions stay as they are.
    pub async fn set_password(&self, user: &UserId, password: &str) -> Result<()> {
        let verifier = self.hash_password(password).await?;
        self.change_account(user, |row| {
            row.password = Some(verifier.clone());
            Ok(())
        })
        .await
    }

    /// Makes a user an administrator of this server, or no longer.
    pub async fn set_admin(&self, user: &UserId, admin: bool) -> Result<()> {
        self.change_account(user, |row| {
            row.admin = admin;
            Ok(())
        })
        .await?;
        self.inner.sessions.forget_user(user);
        Ok(())
    }

    /// Ends an account: no password, no profile, no sessions. It cannot be undone.
    pub async fn deactivate(&self, user: &UserId) -> Result<()> {
        self.change_account(user, |row| {
            row.deactivated = true;
            row.password = None;
            row.display_name = None;
            row.avatar_url = None;
            row.profile = None;
            row.admin = false;
            Ok(())
        })
        .await?;
        self.inner.sessions.forget_user(user);
        self.remove_threepids(user).await?;
        self.logout_all(user).await
    }

    pub(crate) async fn row(&self, user: &UserId) -> Result<Option<AccountRow>> {
        Ok(self.inner.store.get(ACCOUNT, &keys::account(user)).await?)
    }

    /// Changes an account that exists.
    pub(crate) async fn change_account(
        &self,
        user: &UserId,
        mut change: impl FnMut(&mut AccountRow) -> Result<()>,
    ) -> Result<()> {
        self.update(
            ACCOUNT,
            keys::account(user),
            Stamp::None,
            |row: Option<AccountRow>| {
                let mut row = row.ok_or(Error::UnknownUser)?;
                change(&mut row)?;
                Ok(Some(row))
            },
        )
        .await
        .map(|_| ())
    }

    async fn hash_password(&self, password: &str) -> Result<String> {
        self.inner
            .passwords
            .hash(&*self.inner.rng, Secret::Plain(password))
            .await
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{accounts, has_account, user};
    use crate::{Error, NewAccount, Secret};

    #[tokio::test]
    async fn of_several_registrations_of_a_name_one_succeeds() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        assert!(accounts.is_first_account().await.unwrap());

        let racing = (0..6).map(|n| {
            let options = NewAccount {
                display_name: Some(n.to_string()),
                ..Default::default()
            };
            let (accounts, alice) = (accounts.clone(), alice.clone());
            async move {
                accounts
                    .create(&alice, Some(&format!("pw{n}")), options)
                    .await
            }
        });
        let done = futures::future::join_all(racing).await;

        let won: Vec<_> = (0..6).filter(|n| done[*n].is_ok()).collect();
        assert_eq!(won.len(), 1);
        assert!(
            done.iter()
                .filter_map(|one| one.as_ref().err())
                .all(|error| { matches!(error, Error::UserInUse) })
        );
        assert!(!accounts.is_first_account().await.unwrap());
        let secret = format!("pw{}", won[0]);
        assert!(
            accounts
                .verify_password(&alice, Secret::Plain(&secret))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_live_account_is_right() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        accounts
            .create(&alice, Some("old"), NewAccount::default())
            .await
            .unwrap();
        has_account(&accounts, &user("bot")).await;

        accounts.set_password(&alice, "new").await.unwrap();

        assert!(
            accounts
                .verify_password(&alice, Secret::Plain("new"))
                .await
                .unwrap()
        );
        for (user, password) in [
            (&alice, "old"),
            (&user("bot"), ""),
            (&user("nobody"), "new"),
        ] {
            assert!(
                !accounts
                    .verify_password(user, Secret::Plain(password))
                    .await
                    .unwrap()
            );
        }
        let digest = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
        assert!(
            accounts
                .verify_password(&alice, Secret::Sha256Hex(digest))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn accounts_are_local_and_listed_in_pages() {
        let (accounts, _dir) = accounts().await;
        for name in ["a", "b", "c"] {
            accounts
                .create(&user(name), None, NewAccount::default())
                .await
                .unwrap();
        }
        let foreign = "@a:elsewhere".try_into().unwrap();
        let foreign = accounts.create(foreign, None, NewAccount::default()).await;

        let first = accounts.list_accounts(None, 2).await.unwrap();
        let rest = accounts
            .list_accounts(Some(&first[1].user_id), 2)
            .await
            .unwrap();

        assert!(matches!(foreign, Err(Error::NotLocal)));
        let mut all: Vec<_> = first
            .into_iter()
            .chain(rest)
            .map(|one| one.user_id)
            .collect();
        all.sort();
        assert_eq!(all, [user("a"), user("b"), user("c")]);
    }
}
