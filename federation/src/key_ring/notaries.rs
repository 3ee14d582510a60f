//! Asking notaries for keys that their servers do not give.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server>.

use std::collections::{BTreeMap, HashMap};

use gantry_model::{
    Object,
    id::{OwnedServerName, ServerName},
    sign::signatures_of,
};
use parking_lot::Mutex;

use super::{KeyRing, TIMEOUT, Validity, answer};
use crate::{
    Result,
    client::{Call, bad},
    wire::{object, objects, server_name, text},
};

/// Keys that one question names.
const MAX_WANTED: usize = 100;
/// Answers of servers that are taken out of a notary's answer: each may name a key only once.
const MAX_ANSWERS: usize = 2 * MAX_WANTED;
/// The largest answer.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Signatures of a notary on one answer that are tried.
const MAX_SIGNATURES: usize = 4;
/// How long a notary that failed is left alone, in milliseconds.
const PAUSE_MS: i64 = 60_000;

/// Keys that are looked for, and when each must have been valid.
type Wanted = BTreeMap<(OwnedServerName, String), Validity>;

/// The servers that we believe about the keys of others.
#[derive(Debug)]
pub(super) struct Notaries {
    names: Vec<OwnedServerName>,
    /// What the next question is about.
    pending: Mutex<Wanted>,
    /// Whoever holds it asks for all that is pending, so that what is wanted meanwhile goes into one
    /// question. Holds the times before which notaries that failed are not asked.
    round: tokio::sync::Mutex<HashMap<OwnedServerName, i64>>,
}

impl Notaries {
    pub(super) fn new(names: Vec<OwnedServerName>) -> Self {
        Self {
            names,
            pending: Mutex::default(),
            round: tokio::sync::Mutex::default(),
        }
    }

    /// Whether somebody can be asked about this server. Notaries must be reached themselves:
    /// their keys are what the others' answers are checked with.
    fn know(&self, server: &ServerName) -> bool {
        !self.names.is_empty() && !self.names.iter().any(|name| name == server)
    }

    /// What is to be asked for now; `None`: it was asked for in the round before.
    fn take(&self, wanted: &(OwnedServerName, String)) -> Option<Wanted> {
        let mut pending = self.pending.lock();
        let own = pending.remove_entry(wanted)?;
        let mut batch = Wanted::from([own]);
        while batch.len() < MAX_WANTED
            && let Some((key, validity)) = pending.pop_first()
        {
            batch.insert(key, validity);
        }
        Some(batch)
    }
}

impl KeyRing {
    /// Asks the notaries for a key, together with what others ask them for at the same time. What
    /// they say is learned.
    pub(super) async fn ask_notaries(&self, server: &ServerName, key_id: &str, validity: Validity) {
        let notaries = &self.0.notaries;
        if !notaries.know(server) {
            return;
        }
        let wanted = (server.to_owned(), key_id.to_owned());
        notaries.pending.lock().insert(wanted.clone(), validity);
        let mut not_before = notaries.round.lock().await;
        let Some(mut batch) = notaries.take(&wanted) else {
            return;
        };
        for notary in &notaries.names {
            let now = self.0.clock.now_ms();
            if not_before.get(notary).is_some_and(|time| now < *time) {
                continue;
            }
            match self.ask_notary(notary, &batch).await {
                Ok(answers) => {
                    for (server, answer) in answers {
                        self.learn_notarized(notary, &server, &answer).await;
                    }
                }
                Err(error) => {
                    tracing::info!(%notary, %error, "a notary did not answer");
                    not_before.insert(notary.clone(), now.saturating_add(PAUSE_MS));
                }
            }
            batch.retain(|(server, key_id), validity| {
                self.peek(server, key_id, *validity).is_none()
            });
            if batch.is_empty() {
                return;
            }
        }
    }

    /// What a notary says about these keys; each answer is about one of the servers and bears the
    /// notary's signature.
    async fn ask_notary(
        &self,
        notary: &ServerName,
        wanted: &Wanted,
    ) -> Result<Vec<(OwnedServerName, Object)>> {
        let call = Call::post("/_matrix/key/v2/query".to_owned(), question(wanted))
            .timeout(TIMEOUT)
            .max_bytes(MAX_BYTES);
        let mut answer = self.0.client.call_unsigned(notary, call).await?;
        let mut answers = Vec::new();
        for answer in objects(&mut answer, "server_keys", MAX_ANSWERS) {
            let server = text(&answer, "server_name").and_then(server_name);
            let asked = server.filter(|server| wanted.keys().any(|(of, _)| of == server));
            if let Some(server) = asked {
                self.check_notary(notary, &answer).await?;
                answers.push((server, answer));
            }
        }
        Ok(answers)
    }

    /// Whether the notary vouches for an answer. Its key is asked of itself only.
    async fn check_notary(&self, notary: &ServerName, answer: &Object) -> Result<()> {
        let now = Validity::At(self.0.clock.now_ms());
        for (key_id, _) in signatures_of(answer, notary.as_str()).take(MAX_SIGNATURES) {
            // No notary is asked about a notary, so this ends.
            let key = Box::pin(self.find(notary, key_id, now)).await;
            if key.is_some_and(|key| key.verify_object(notary.as_str(), key_id, answer).is_ok()) {
                return Ok(());
            }
        }
        Err(bad(notary, "keys that it did not sign"))
    }

    async fn learn_notarized(&self, notary: &ServerName, server: &ServerName, said: &Object) {
        match answer::read(server, said, self.0.clock.now_ms()) {
            Ok(keys) => {
                let entry = self.entry(server);
                entry.known.lock().learn_from_notary(keys.clone());
                self.keep_better(server, keys, said).await;
            }
            Err(error) => tracing::info!(%notary, %server, %error, "a notary's answer is no use"),
        }
    }

    /// Stores those keys that the memory has now, and not an older answer over a newer one.
    async fn keep_better(
        &self,
        server: &ServerName,
        keys: Vec<gantry_rooms::ServerKey>,
        said: &Object,
    ) {
        let entry = self.entry(server);
        let new: Vec<_> = {
            let known = entry.known.lock();
            keys.into_iter().filter(|key| known.has(key)).collect()
        };
        self.keep(server, &new, said).await;
    }
}

/// The body of a question.
fn question(wanted: &Wanted) -> Object {
    let mut servers: BTreeMap<&OwnedServerName, Object> = BTreeMap::new();
    for ((server, key_id), validity) in wanted {
        let until = match validity {
            Validity::Ever => 0,
            Validity::At(time) => *time,
        };
        let criteria = object([("minimum_valid_until_ts", until.into())]);
        let keys = servers.entry(server).or_default();
        keys.insert(key_id.clone(), criteria.into());
    }
    let servers: Object = servers
        .into_iter()
        .map(|(server, keys)| (server.to_string(), keys.into()))
        .collect();
    object([("server_keys", servers.into())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(server: &str) -> (OwnedServerName, String) {
        (server_name(server).unwrap(), "ed25519:1".to_owned())
    }

    #[test]
    fn what_is_wanted_meanwhile_goes_into_one_question() {
        let notaries = Notaries::new(vec![server_name("n.com").unwrap()]);
        for number in 0..150 {
            let key = key(&format!("s{number:03}.com"));
            notaries.pending.lock().insert(key, Validity::Ever);
        }

        let first = notaries.take(&key("s149.com")).unwrap();
        assert_eq!(first.len(), MAX_WANTED);
        assert!(first.contains_key(&key("s149.com")));
        assert!(notaries.take(&key("s149.com")).is_none());
        assert_eq!(notaries.take(&key("s120.com")).unwrap().len(), 50);
    }

    #[test]
    fn nobody_is_asked_about_a_notary() {
        let notaries = Notaries::new(vec![server_name("n.com").unwrap()]);

        assert!(notaries.know("a.com".try_into().unwrap()));
        assert!(!notaries.know("n.com".try_into().unwrap()));
        assert!(!Notaries::new(Vec::new()).know("a.com".try_into().unwrap()));
    }

    #[test]
    fn a_question_names_keys_by_server() {
        let wanted = Wanted::from([
            (key("a.com"), Validity::At(7)),
            (key("b.com"), Validity::Ever),
        ]);

        let expected = r#"{"server_keys":{"a.com":{"ed25519:1":{"minimum_valid_until_ts":7}},"b.com":{"ed25519:1":{"minimum_valid_until_ts":0}}}}"#;
        let expected = gantry_model::canonical_json::parse_object(expected.as_bytes());
        assert_eq!(question(&wanted), expected.unwrap());
    }
}
