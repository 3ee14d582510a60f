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

    /// A notary says what the server answered it, perhaps long ago: what the server said itself
    /// since then is better.
    pub(crate) fn learn_from_notary(&mut self, keys: Vec<ServerKey>) {
        for key in keys {
            let is_better = self.keys.get(&key.key_id).is_none_or(|known| {
                !known.expired && known.valid_until_ts < key.valid_until_ts && !key.expired
            });
            if is_better {
                self.keys.insert(key.key_id.clone(), key);
            }
        }
    }

    /// Whether this is what is known of the key.
    pub(crate) fn has(&self, key: &ServerKey) -> bool {
        self.keys.get(&key.key_id) == Some(key)
    }

    /// Whether something is known of that key that no question will change: it was retired, or it
    /// counts at least until then.
    pub(crate) fn is_settled(&self, key_id: &str, until: i64) -> bool {
        let key = self.keys.get(key_id);
        key.is_some_and(|key| key.expired || key.valid_until_ts >= until)
    }

    /// Whether any current key counts at least until then.
    pub(crate) fn is_current(&self, until: i64) -> bool {
        let mut keys = self.keys.values();
        keys.any(|key| !key.expired && key.valid_until_ts >= until)
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
    fn a_notary_adds_what_is_newer_and_takes_nothing_away() {
        let mut known = Known::default();
        known.learn(vec![key(100, false)], 0);

        known.learn_from_notary(vec![key(50, false)]);
        assert!(known.find("ed25519:1", Validity::At(100)).is_some());
        known.learn_from_notary(vec![key(90, true)]);
        assert!(!known.is_settled("ed25519:1", 101));
        known.learn_from_notary(vec![key(200, false)]);

        assert!(known.find("ed25519:1", Validity::At(200)).is_some());
        assert!(known.is_settled("ed25519:1", 200) && known.is_current(200));
        assert!(!known.is_current(201));
    }

    #[test]
    fn a_retired_key_is_not_asked_for_again() {
        let mut known = Known::default();
        known.learn(vec![key(100, true)], 0);

        assert!(!known.may_ask("ed25519:1", FIRST_PAUSE_MS * 9));
    }
}
