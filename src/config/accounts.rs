//! Section `accounts`.

use serde::{Deserialize, Serialize};

/// Accounts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// Whether passwords are stored with a cheap derivation. For tests only: such passwords are
    /// easily guessed once the database is stolen.
    pub cheap_passwords: bool,
}
