//! Kept connections, by what they are connected to.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;

use crate::connector::Pinned;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_mins(1);
/// Unused connections per destination.
const IDLE_PER_DESTINATION: usize = 8;
/// Destinations whose connections are kept.
const MAX_DESTINATIONS: usize = 512;

pub(crate) type HttpClient = Client<Pinned, Full<Bytes>>;

/// What a connection is connected to. Two requests share one only if all of this is the same, so a
/// connection never serves a name whose addresses did not pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    pub(crate) tls_name: Option<ServerName<'static>>,
    pub(crate) addrs: Vec<SocketAddr>,
}

/// Clients by destination; the least recently used one goes when there are too many.
///
/// The lock is held for a look-up only, never while waiting.
pub(crate) struct Pool {
    tls: Arc<ClientConfig>,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    by_key: HashMap<PoolKey, (u64, HttpClient)>,
    uses: u64,
}

impl Pool {
    pub(crate) fn new(tls: Arc<ClientConfig>) -> Self {
        Self {
            tls,
            clients: Mutex::default(),
        }
    }

    /// The client of a destination.
    pub(crate) fn client(&self, key: &PoolKey) -> HttpClient {
        let mut clients = self.clients.lock();
        clients.uses += 1;
        let now = clients.uses;
        if let Some((used, client)) = clients.by_key.get_mut(key) {
            *used = now;
            return client.clone();
        }
        if clients.by_key.len() >= MAX_DESTINATIONS {
            clients.drop_oldest();
        }
        let client = self.build(key);
        clients.by_key.insert(key.clone(), (now, client.clone()));
        client
    }

    fn build(&self, key: &PoolKey) -> HttpClient {
        let connector = Pinned {
            addrs: key.addrs.clone().into(),
            tls: key
                .tls_name
                .clone()
                .map(|name| (Arc::clone(&self.tls), name)),
        };
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_DESTINATION)
            .build(connector)
    }
}

impl Clients {
    fn drop_oldest(&mut self) {
        let oldest = self.by_key.iter().min_by_key(|(_, (used, _))| *used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.by_key.remove(&key);
        }
    }
}
