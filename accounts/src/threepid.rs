//! Third-party identifiers: e-mail addresses that belong to an account.

use bson::Bson;
use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::schema::THREEPID;
use gantry_store::{Key, Scan, hash16};
use serde::{Deserialize, Serialize};

use crate::accounts::check_name;
use crate::{Accounts, Error, Result};

/// The most identifiers of an account.
const MAX_PER_USER: usize = 100;

/// A third-party identifier of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threepid {
    /// `email`.
    pub medium: String,
    /// The address, in lower case.
    pub address: String,
    /// Whose it is.
    pub user: OwnedUserId,
    /// When it was proven, in milliseconds since the Unix epoch.
    pub validated_ts: i64,
    /// When it was added to the account, in milliseconds since the Unix epoch.
    pub added_ts: i64,
}

impl Accounts {
    /// Adds an identifier to an account. [`Error::ThreepidInUse`]: it is another user's.
    pub async fn add_threepid(
        &self,
        user: &UserId,
        medium: &str,
        address: &str,
        validated_ts: i64,
    ) -> Result<()> {
        check_name("the address", address)?;
        if self.threepids(user).await?.len() >= MAX_PER_USER {
            return Err(Error::TooLarge("the list of identifiers"));
        }
        let row = Threepid {
            medium: medium.to_owned(),
            address: address.to_lowercase(),
            user: user.to_owned(),
            validated_ts,
            added_ts: self.inner.clock.now_ms(),
        };
        let key = key(medium, &row.address);
        if self.inner.store.insert_new(THREEPID, key, &row).await? {
            return Ok(());
        }
        match self.threepid_owner(medium, address).await? {
            Some(owner) if owner == user => Ok(()),
            _ => Err(Error::ThreepidInUse),
        }
    }

    /// The identifiers of an account.
    pub async fn threepids(&self, user: &UserId) -> Result<Vec<Threepid>> {
        let scan = Scan::index("user", vec![Bson::String(user.to_string())]).limit(MAX_PER_USER);
        let rows = self.inner.store.scan(THREEPID, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// Whose identifier it is.
    pub async fn threepid_owner(&self, medium: &str, address: &str) -> Result<Option<OwnedUserId>> {
        let key = key(medium, &address.to_lowercase());
        let row = self.inner.store.get::<Threepid>(THREEPID, &key).await?;
        Ok(row.map(|row| row.user))
    }

    /// Takes an identifier from an account; false: the account has none such.
    pub async fn remove_threepid(
        &self,
        user: &UserId,
        medium: &str,
        address: &str,
    ) -> Result<bool> {
        let is_own = self
            .threepid_owner(medium, address)
            .await?
            .is_some_and(|owner| owner == user);
        if is_own {
            let key = key(medium, &address.to_lowercase());
            self.inner.store.delete(THREEPID, key).await?;
        }
        Ok(is_own)
    }

    /// Takes all identifiers from an account.
    pub async fn remove_threepids(&self, user: &UserId) -> Result<()> {
        for threepid in self.threepids(user).await? {
            self.remove_threepid(user, &threepid.medium, &threepid.address)
                .await?;
        }
        Ok(())
    }
}

fn key(medium: &str, address: &str) -> Key {
    hash16(&[medium.as_bytes(), address.as_bytes()]).to_vec()
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::testing::{accounts, user};

    #[tokio::test]
    async fn an_address_belongs_to_one_account() {
        let (accounts, _dir) = accounts().await;
        let (alice, bob) = (user("alice"), user("bob"));
        let add = |user, address: &'static str| {
            let accounts = accounts.clone();
            async move { accounts.add_threepid(user, "email", address, 1).await }
        };

        add(&*alice, "A@x.org").await.unwrap();
        add(&*alice, "a@x.org").await.unwrap();
        let taken = add(&*bob, "a@X.org").await;

        assert!(matches!(taken, Err(Error::ThreepidInUse)));
        assert_eq!(accounts.threepids(&alice).await.unwrap().len(), 1);
        let owner = accounts.threepid_owner("email", "a@x.org").await.unwrap();
        assert_eq!(owner, Some(alice.clone()));
        let foreign = accounts.remove_threepid(&bob, "email", "a@x.org").await;
        assert!(!foreign.unwrap());
        accounts.remove_threepids(&alice).await.unwrap();
        assert!(accounts.threepids(&alice).await.unwrap().is_empty());
    }
}
