//! The signing keys of other servers.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys>.

mod answer;
mod known;
mod notaries;
mod own;
mod served;

pub(crate) use served::WantedKeys;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream};
use gantry_model::{
    Clock, Object, VerifyKey,
    id::{OwnedServerName, ServerName},
};
use gantry_rooms::{Identity, Rooms, ServerKey};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::{
    client::{Call, Client},
    key_ring::{known::Known, notaries::Notaries},
};

/// Servers whose keys are kept in memory.
const MAX_SERVERS: usize = 10_000;
/// Servers that are asked at once.
const PARALLEL: usize = 64;
/// Of those that we vouch for, at once.
const PARALLEL_SERVED: usize = 32;
/// How long one may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long all servers of one question may take together.
const PREPARE_TIMEOUT: Duration = Duration::from_mins(1);
/// The largest answer.
const MAX_BYTES: usize = 64 * 1024;

/// When a key must have been valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Validity {
    /// At any time (events of room versions 1 to 4).
    Ever,
    /// At this time, in milliseconds.
    At(i64),
}

/// Finds keys: in memory, in the store, by asking the server itself and, where that does not help,
/// notaries. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyRing(Arc<Inner>);

struct Inner {
    identity: Identity,
    rooms: Rooms,
    client: Client,
    clock: Arc<dyn Clock>,
    servers: Mutex<HashMap<OwnedServerName, Arc<Entry>>>,
    notaries: Notaries,
    /// For servers that we ask because somebody wants us to vouch for their keys.
    served: Semaphore,
}

/// What is known of one server. Whoever fetches holds `fetching`, so that others wait for the same
/// answer.
#[derive(Debug, Default)]
struct Entry {
    known: Mutex<Known>,
    fetching: tokio::sync::Mutex<()>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyRing").finish_non_exhaustive()
    }
}

impl KeyRing {
    pub(crate) fn new(
        rooms: Rooms,
        client: Client,
        clock: Arc<dyn Clock>,
        notaries: Vec<OwnedServerName>,
    ) -> Self {
        Self(Arc::new(Inner {
            identity: rooms.identity().clone(),
            rooms,
            client,
            clock,
            servers: Mutex::default(),
            notaries: Notaries::new(notaries),
            served: Semaphore::new(PARALLEL_SERVED),
        }))
    }

    /// The key of that id, if it is (or can be) known and was valid then.
    pub(crate) async fn find(
        &self,
        server: &ServerName,
        key_id: &str,
        validity: Validity,
    ) -> Option<VerifyKey> {
        if server == self.0.identity.server_name() {
            return self.own(key_id, validity);
        }
        let entry = self.entry(server);
        let found = || entry.known.lock().find(key_id, validity);
        if let Some(key) = found() {
            return Some(key);
        }
        let _fetching = entry.fetching.lock().await;
        if let Some(key) = found() {
            return Some(key);
        }
        self.load(server, &entry).await;
        if let Some(key) = found() {
            return Some(key);
        }
        if self.refresh(server, &entry, key_id).await == Refreshed::Asked && found().is_none() {
            self.ask_notaries(server, key_id, validity).await;
        }
        found()
    }

    /// The key of a server that calls us now. If the server was away, it is asked sooner.
    pub(crate) async fn find_caller(&self, server: &ServerName, key_id: &str) -> Option<VerifyKey> {
        self.entry(server).known.lock().heard_of();
        self.find(server, key_id, Validity::At(self.0.clock.now_ms()))
            .await
    }

    /// The keys named here, server by server and several servers at once, so that a later
    /// [`KeyRing::find`] answers from memory.
    pub(crate) async fn prepare(&self, wanted: BTreeMap<(OwnedServerName, String), Validity>) {
        let all = stream::iter(wanted).for_each_concurrent(
            PARALLEL,
            |((server, key_id), validity)| async move {
                self.find(&server, &key_id, validity).await;
            },
        );
        if tokio::time::timeout(PREPARE_TIMEOUT, all).await.is_err() {
            tracing::warn!("keys of some servers did not come in time");
        }
    }

    /// The key, if it can be told without asking anyone.
    pub(crate) fn peek(
        &self,
        server: &ServerName,
        key_id: &str,
        validity: Validity,
    ) -> Option<VerifyKey> {
        if server == self.0.identity.server_name() {
            return self.own(key_id, validity);
        }
        self.0
            .servers
            .lock()
            .get(server)?
            .known
            .lock()
            .find(key_id, validity)
    }

    fn entry(&self, server: &ServerName) -> Arc<Entry> {
        let mut servers = self.0.servers.lock();
        if let Some(entry) = servers.get(server) {
            return Arc::clone(entry);
        }
        if servers.len() >= MAX_SERVERS {
            servers.clear();
        }
        let entry = Arc::new(Entry::default());
        servers.insert(server.to_owned(), Arc::clone(&entry));
        entry
    }

    async fn load(&self, server: &ServerName, entry: &Entry) {
        if entry.known.lock().is_loaded() {
            return;
        }
        match self.0.rooms.server_keys(server).await {
            Ok(keys) => entry.known.lock().load(keys),
            Err(error) => tracing::warn!(%error, %server, "stored keys could not be read"),
        }
    }

    /// Asks the server itself, unless it was asked lately. The caller holds `fetching`.
    async fn refresh(&self, server: &ServerName, entry: &Entry, key_id: &str) -> Refreshed {
        let now = self.0.clock.now_ms();
        if !entry.known.lock().may_ask(key_id, now) {
            return Refreshed::TooSoon;
        }
        let call = Call::get("/_matrix/key/v2/server".to_owned())
            .timeout(TIMEOUT)
            .max_bytes(MAX_BYTES);
        let answer = self.0.client.call_unsigned(server, call).await;
        let now = self.0.clock.now_ms();
        let read = answer.and_then(|answer| Ok((answer::read(server, &answer, now)?, answer)));
        match read {
            Ok((keys, answer)) => {
                entry.known.lock().learn(keys.clone(), now);
                self.keep(server, &keys, &answer).await;
            }
            Err(error) => {
                tracing::debug!(%error, %server, "no keys");
                entry.known.lock().failed(now);
            }
        }
        Refreshed::Asked
    }

    async fn keep(&self, server: &ServerName, keys: &[ServerKey], answer: &Object) {
        let kept = self.0.rooms.put_server_keys(server, keys, answer).await;
        if let Err(error) = kept {
            tracing::warn!(%error, %server, "keys could not be stored");
        }
    }
}

/// Whether a server was asked for its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refreshed {
    /// It was, whatever it answered.
    Asked,
    /// It was asked not long ago.
    TooSoon,
}
