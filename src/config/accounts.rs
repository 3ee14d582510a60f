//! Section `accounts`.

use serde::{Deserialize, Serialize};

/// Accounts.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountsConfig {
    /// How long an access token lives that a client can refresh, in milliseconds. Tokens of
    /// clients that cannot do that do not end.
    pub access_token_lifetime_ms: u64,
    /// Whether the user directory finds all users of this server. Otherwise it finds those whom
    /// the searcher meets in rooms, and those in public rooms.
    pub directory_shows_all: bool,
    /// Whether passwords are stored with a cheap derivation. For tests only: such passwords are
    /// easily guessed once the database is stolen.
    pub cheap_passwords: bool,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            access_token_lifetime_ms: 5 * 60 * 1_000,
            directory_shows_all: false,
            cheap_passwords: false,
        }
    }
}
