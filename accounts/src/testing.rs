//! What the tests of this crate share.

use std::sync::Arc;

use gantry_model::id::{OwnedRoomId, OwnedUserId, UserId};
use gantry_model::{Clock, MockClock, SeededRng};
use gantry_store::Store;
use tempfile::TempDir;

use crate::{Accounts, AccountsConfig, NewAccount};

pub(crate) struct TestClock(Arc<MockClock>);

impl TestClock {
    pub(crate) fn now(&self) -> i64 {
        self.0.now_ms()
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.advance(ms);
    }
}

pub(crate) async fn accounts_with_clock() -> (Accounts, TestClock, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(MockClock::new(1_700_000_000_000));
    let accounts = Accounts::new(AccountsConfig {
        server_name: "server".try_into().unwrap(),
        store: Store::open_redb(dir.path().join("test.redb"))
            .await
            .unwrap(),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        rng: Arc::new(SeededRng::new(7)),
        cheap_passwords: true,
    });
    (accounts, TestClock(clock), dir)
}

pub(crate) async fn accounts() -> (Accounts, TempDir) {
    let (accounts, _, dir) = accounts_with_clock().await;
    (accounts, dir)
}

/// Makes an account without a password.
pub(crate) async fn has_account(accounts: &Accounts, user: &UserId) {
    let account = accounts.create(user, None, NewAccount::default()).await;
    account.unwrap();
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    format!("@{name}:server").try_into().unwrap()
}

pub(crate) fn room(name: &str) -> OwnedRoomId {
    format!("!{name}:server").try_into().unwrap()
}
