//! Vouching for the keys of other servers: we as a notary.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#querying-keys-through-another-server>.

use std::time::Duration;

use futures::{StreamExt, stream};
use gantry_model::{
    Object, Value,
    id::{OwnedServerName, ServerName},
};

use super::{KeyRing, PARALLEL_SERVED};
use crate::wire::server_name;

/// Servers that one question may name; further ones are as if they could not be reached.
const MAX_SERVERS: usize = 500;
/// Keys of one server that a question may name.
const MAX_KEYS: usize = 20;
/// How long the servers of one question may take together.
const DEADLINE: Duration = Duration::from_secs(15);

/// The keys of one server that somebody wants us to vouch for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedKeys {
    server: OwnedServerName,
    /// Key ids, each with the time until which it should count; none: all keys.
    keys: Vec<(String, Option<i64>)>,
    /// Until when keys should count that are not named.
    until: Option<i64>,
}

impl WantedKeys {
    /// All keys of a server.
    pub(crate) fn all(server: OwnedServerName, until: Option<i64>) -> Self {
        Self {
            server,
            keys: Vec::new(),
            until,
        }
    }

    /// The body of a question; what is no server name is left out.
    pub(crate) fn of_body(body: &Object) -> Vec<Self> {
        let servers = body.get("server_keys").and_then(Value::as_object);
        let keys = |criteria: &Value| {
            let named = criteria.as_object().into_iter().flatten();
            named
                .take(MAX_KEYS)
                .map(|(key_id, criterion)| {
                    let until = criterion
                        .as_object()
                        .and_then(|criterion| criterion.get("minimum_valid_until_ts"));
                    (key_id.to_string(), until.and_then(Value::as_int))
                })
                .collect()
        };
        servers
            .into_iter()
            .flatten()
            .take(MAX_SERVERS)
            .filter_map(|(server, criteria)| {
                Some(Self {
                    server: server_name(server)?,
                    keys: keys(criteria),
                    until: None,
                })
            })
            .collect()
    }
}

impl KeyRing {
    /// What these servers said about their keys, each answer with our signature on it. A server is
    /// asked where what is known of it does not suffice. `own` is what we say about ourselves.
    pub(crate) async fn vouch_for(&self, wanted: Vec<WantedKeys>, own: Object) -> Vec<Object> {
        let stale =
            stream::iter(&wanted).for_each_concurrent(PARALLEL_SERVED, |one| self.freshen(one));
        if tokio::time::timeout(DEADLINE, stale).await.is_err() {
            tracing::debug!("some servers did not give their keys in time");
        }
        let mut answers = Vec::new();
        for one in wanted {
            if one.server == self.0.identity.server_name() {
                answers.push(own.clone());
                continue;
            }
            match self.0.rooms.server_key_answers(&one.server).await {
                Ok(kept) => answers.extend(pick(kept, &one.keys)),
                Err(error) => tracing::warn!(%error, server = %one.server, "no kept answers"),
            }
        }
        for answer in &mut answers {
            self.sign(answer);
        }
        answers
    }

    fn sign(&self, answer: &mut Object) {
        let identity = &self.0.identity;
        let name = identity.server_name().as_str();
        identity.key().sign_object(name, answer);
    }

    /// Asks a server for its keys if one that is wanted is not known well enough.
    async fn freshen(&self, wanted: &WantedKeys) {
        let server: &ServerName = &wanted.server;
        if server == self.0.identity.server_name() {
            return;
        }
        let Ok(_permit) = self.0.served.acquire().await else {
            return;
        };
        let entry = self.entry(server);
        let _fetching = entry.fetching.lock().await;
        self.load(server, &entry).await;
        let now = self.0.clock.now_ms();
        let lacking = {
            let known = entry.known.lock();
            let mut named = wanted.keys.iter();
            let lacking = named.find(|(id, until)| !known.is_settled(id, until.unwrap_or(now)));
            match lacking {
                Some((key_id, _)) => Some(key_id.clone()),
                None if wanted.keys.is_empty() => {
                    let is_current = known.is_current(wanted.until.unwrap_or(now));
                    (!is_current).then(String::new)
                }
                None => None,
            }
        };
        if let Some(key_id) = lacking {
            self.refresh(server, &entry, &key_id).await;
        }
    }
}

/// Of the kept answers of a server those that say most about the keys: for each key that is wanted
/// (or named at all) the one that counts longest. None twice.
fn pick(mut answers: Vec<Object>, wanted: &[(String, Option<i64>)]) -> Vec<Object> {
    let until = |answer: &Object| answer.get("valid_until_ts").and_then(Value::as_int);
    answers.sort_by_key(|answer| std::cmp::Reverse(until(answer)));
    let names = |answer: &Object, key_id: &str| {
        let fields = ["verify_keys", "old_verify_keys"];
        let mut maps = fields
            .iter()
            .filter_map(|field| answer.get(field)?.as_object());
        maps.any(|keys| keys.contains_key(key_id))
    };
    if wanted.is_empty() {
        return answers;
    }
    let mut chosen: Vec<usize> = wanted
        .iter()
        .filter_map(|(key_id, _)| answers.iter().position(|answer| names(answer, key_id)))
        .collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
        .into_iter()
        .filter_map(|index| answers.get(index).cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use proptest::prelude::*;

    use super::*;

    fn object(text: &str) -> Object {
        parse_object(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_newest_answer_that_names_a_key_is_given_once() {
        let old = object(r#"{"valid_until_ts":5,"verify_keys":{"ed25519:a":{}}}"#);
        let new = object(
            r#"{"valid_until_ts":9,"verify_keys":{"ed25519:b":{}},"old_verify_keys":{"ed25519:c":{}}}"#,
        );
        let given = |wanted: &[&str]| {
            let wanted: Vec<_> = wanted.iter().map(|id| ((*id).to_owned(), None)).collect();
            pick(vec![old.clone(), new.clone()], &wanted)
        };

        assert_eq!(given(&["ed25519:b", "ed25519:c"]), vec![new.clone()]);
        assert_eq!(given(&["ed25519:a"]), vec![old.clone()]);
        assert_eq!(given(&["ed25519:x"]), Vec::<Object>::new());
        assert_eq!(given(&[]), vec![new, old.clone()]);
    }

    proptest! {
        #[test]
        fn any_question_is_read_within_its_bounds(text in "\\PC{0,80}", count in 0_usize..900) {
            let servers: Vec<String> = (0..count).map(|n| format!("\"s{n}.com\":{{}}")).collect();
            let many = format!(r#"{{"server_keys":{{{}}}}}"#, servers.join(","));
            for text in [text.as_str(), many.as_str()] {
                if let Ok(body) = parse_object(text.as_bytes()) {
                    prop_assert!(WantedKeys::of_body(&body).len() <= MAX_SERVERS);
                }
            }
        }
    }
}
