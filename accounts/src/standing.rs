//! What administrators decide about an account that exists.

use gantry_model::id::UserId;

use crate::account::AccountRow;
use crate::{Accounts, Result};

impl Accounts {
    /// Locks an account, or unlocks it. Its sessions stay, and are of no use meanwhile.
    pub async fn set_locked(&self, user: &UserId, locked: bool) -> Result<()> {
        self.change_standing(user, |row| row.locked = locked).await
    }

    /// Suspends an account, or no longer: its user may read, but not act.
    pub async fn set_suspended(&self, user: &UserId, suspended: bool) -> Result<()> {
        self.change_standing(user, |row| row.suspended = suspended)
            .await
    }

    /// Notes that the user wants his events to be forgotten.
    pub async fn set_erased(&self, user: &UserId, erased: bool) -> Result<()> {
        self.change_standing(user, |row| row.erased = erased).await
    }

    /// Opens a deactivated account again. It has no password until one is set.
    pub async fn reactivate(&self, user: &UserId) -> Result<()> {
        self.change_standing(user, |row| {
            row.deactivated = false;
            row.erased = false;
        })
        .await
    }

    async fn change_standing(&self, user: &UserId, change: impl Fn(&mut AccountRow)) -> Result<()> {
        self.change_account(user, |row| {
            change(row);
            Ok(())
        })
        .await?;
        self.inner.sessions.forget_user(user);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::NewAccount;
    use crate::testing::{accounts, has_account, user};

    #[tokio::test]
    async fn a_session_knows_the_standing_at_once() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let token = accounts.login(&alice, None, None).await.unwrap();
        let token = &token.access_token;
        assert!(!accounts.session(token).await.unwrap().unwrap().locked);

        accounts.set_locked(&alice, true).await.unwrap();
        accounts.set_suspended(&alice, true).await.unwrap();
        let both = accounts.session(token).await.unwrap().unwrap();
        accounts.set_locked(&alice, false).await.unwrap();
        let one = accounts.session(token).await.unwrap().unwrap();

        assert!(both.locked && both.suspended);
        assert!(!one.locked && one.suspended);
    }

    #[tokio::test]
    async fn a_deactivated_account_comes_back_without_a_password() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        accounts
            .create(&alice, Some("secret"), NewAccount::default())
            .await
            .unwrap();
        accounts.deactivate(&alice).await.unwrap();
        accounts.set_erased(&alice, true).await.unwrap();

        accounts.reactivate(&alice).await.unwrap();

        let account = accounts.account(&alice).await.unwrap().unwrap();
        assert!(!account.deactivated && !account.erased && !account.has_password);
        assert!(accounts.login(&alice, None, None).await.is_ok());
    }
}
