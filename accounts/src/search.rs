//! The user directory: our own users by name.

use std::ops::Bound;

use gantry_model::id::OwnedUserId;
use gantry_store::Scan;
use gantry_store::schema::ACCOUNT;

use crate::account::AccountRow;
use crate::{Account, Accounts, Result};

/// Accounts read at once.
const PAGE: usize = 500;

/// Accounts that one search looks at.
const MAX_LOOKED_AT: usize = 20_000;

impl Accounts {
    /// Accounts whose user id or display name contains a text, letter case aside; at most `limit`.
    /// Deactivated accounts and guests are not found.
    pub async fn search_accounts(&self, term: &str, limit: usize) -> Result<Vec<Account>> {
        let term = term.to_lowercase();
        let mut found = Vec::new();
        let mut last: Option<OwnedUserId> = None;
        for _ in 0..MAX_LOOKED_AT / PAGE {
            let page = self.list_accounts(last.as_deref(), PAGE).await?;
            let full = page.len() == PAGE;
            last = page.last().map(|account| account.user_id.clone());
            found.extend(page.into_iter().filter(|account| matches(account, &term)));
            if !full || found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// How many accounts there are, guests and deactivated ones too; counts no further than
    /// 20,000.
    pub async fn count_accounts(&self) -> Result<usize> {
        let scan = Scan::range(Bound::Unbounded, Bound::Unbounded)
            .limit(MAX_LOOKED_AT)
            .light();
        Ok(self
            .inner
            .store
            .scan::<AccountRow>(ACCOUNT, scan)
            .await?
            .len())
    }
}

fn matches(account: &Account, term: &str) -> bool {
    let named = |name: &str| name.to_lowercase().contains(term);
    !account.deactivated
        && !account.guest
        && (named(account.user_id.as_str()) || account.display_name.as_deref().is_some_and(named))
}

#[cfg(test)]
mod tests {
    use crate::NewAccount;
    use crate::testing::{accounts, user};

    #[tokio::test]
    async fn users_are_found_by_either_name() {
        let (accounts, _dir) = accounts().await;
        let named = |name: &str| NewAccount {
            display_name: Some(name.into()),
            ..Default::default()
        };
        accounts
            .create(&user("alice"), None, named("Wonder"))
            .await
            .unwrap();
        accounts
            .create(&user("bob"), None, named("Builder"))
            .await
            .unwrap();
        accounts
            .create(&user("gone"), None, named("Wonderful"))
            .await
            .unwrap();
        accounts.deactivate(&user("gone")).await.unwrap();

        let by_id = accounts.search_accounts("ALI", 10).await.unwrap();
        let by_name = accounts.search_accounts("wonder", 10).await.unwrap();
        let limited = accounts.search_accounts("", 1).await.unwrap();

        assert_eq!(by_id.len(), 1);
        assert_eq!(by_name.len(), 1);
        assert_eq!(by_name[0].user_id, user("alice"));
        assert_eq!(limited.len(), 1);
        assert_eq!(accounts.count_accounts().await.unwrap(), 3);
    }
}
