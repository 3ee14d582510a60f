//! What is known of one server's keys, and when it may be asked again.

use std::collections::BTreeMap;

use gantry_model::VerifyKey;
use gantry_rooms::ServerKey;

use super::Validity;

/// After an answer without the key that was wanted, and after a first failure.
const FIRST_PAUSE_MS: i64 = 5_000;
/// The longest pause after failures.
const LONGEST_PAUSE_MS: i64 = 30 * 60 * 1000;

/// The keys of one server.
#[derive(Debug, Default)]
pub(crate) struct Known {
    keys: BTreeMap<String, ServerKey>,
    is_loaded: bool,
    failures: u32,
    /// The server is not asked before this time, in milliseconds.
    ask_after: i64,
    last_asked: i64,
}

impl Known {
    /// The key, if it was valid then.
    pub(crate) fn find(&self, key_id: &str, validity: Validity) -> Option<VerifyKey> {
        let key = self.keys.get(key_id)?;
        let fits = match validity {
            Validity::At(time) => time <= key.valid_until_ts,
            Validity::Ever => true,
        };
        fits.then_some(key.key)
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// Adds what the store held.
    pub(crate) fn load(&mut self, keys: Vec<ServerKey>) {
        self.is_loaded = true;
        for key in keys {
            self.keys.entry(key.key_id.clone()).or_insert(key);
        }
    }

    /// Whether the server may be asked now for that key.
    pub(crate) fn may_ask(&self, key_id: &str, now: i64) -> bool {
        let is_retired = self.keys.get(key_id).is_some_and(|key| key.expired);
        !is_retired && now >= self.ask_after
    }

    /// Somebody says to be the server, so it may be there again.
    pub(crate) fn heard_of(&mut self) {
        self.ask_after = self
            .ask_after
            .min(self.last_asked.saturating_add(FIRST_PAUSE_MS));
    }

    /// The server answered. A key that it no longer names stays as it was.
    pub(crate) fn learn(&mut self, keys: Vec<ServerKey>, now: i64) {
        self.failures = 0;
        self.last_asked = now;
        self.ask_after = now.saturating_add(FIRST_PAUSE_MS);
        self.keys
            .extend(keys.into_iter().map(|key| (key.key_id.clone(), key)));
    }

    /// The server did not answer.
    pub(crate) fn failed(&mut self, now: i64) {
        let pause = FIRST_PAUSE_MS << self.failures.min(16);
        self.failures += 1;
        self.last_asked = now;
        self.ask_after = now.saturating_add(pause.min(LONGEST_PAUSE_MS));
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::ServerSigningKey;

    use super::*;

    fn key(valid_until_ts: i64, expired: bool) -> ServerKey {
        let key = ServerSigningKey::from_seed("1", &[1; 32]).verify_key();
        ServerKey {
            key_id: "ed25519:1".to_owned(),
            key,
            valid_until_ts,
            expired,
        }
    }

    #[test]
    fn a_key_counts_until_its_end_except_for_old_rooms() {
        let mut known = Known::default();
        known.learn(vec![key(100, false)], 0);

        assert!(known.find("ed25519:1", Validity::At(100)).is_some());
        assert!(known.find("ed25519:1", Validity::At(101)).is_none());
        assert!(known.find("ed25519:1", Validity::Ever).is_some());
    }

    #[test]
    fn a_dead_server_is_asked_ever_less_often() {
        let mut known = Known::default();

        known.failed(0);
        assert!(!known.may_ask("k", FIRST_PAUSE_MS - 1));
        assert!(known.may_ask("k", FIRST_PAUSE_MS));
        known.failed(0);
        assert!(!known.may_ask("k", FIRST_PAUSE_MS * 2 - 1));
        for _ in 0..40 {
            known.failed(0);
        }
        assert!(known.may_ask("k", LONGEST_PAUSE_MS));
    }

    #[test]
    fn a_server_that_calls_is_asked_soon() {
        let mut known = Known::default();
        for _ in 0..9 {
            known.failed(0);
        }

        known.heard_of();

        assert!(!known.may_ask("k", FIRST_PAUSE_MS - 1));
        assert!(known.may_ask("k", FIRST_PAUSE_MS));
    }

    #[test]
    fn a_retired_key_is_not_asked_for_again() {
        let mut known = Known::default();
        known.learn(vec![key(100, true)], 0);

        assert!(!known.may_ask("ed25519:1", FIRST_PAUSE_MS * 9));
    }
}
