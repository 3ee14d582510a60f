//! The handle on everything of this crate.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use gantry_model::id::{OwnedRoomId, OwnedUserId};
use gantry_model::{Clock, Rng};
use gantry_rooms::Rooms;
use gantry_store::Store;
use parking_lot::Mutex;

use crate::RcRoom;

/// Ids kept in memory; beyond them all are read anew.
const CACHED: usize = 50_000;

/// What [`Workspace`] is made from.
pub struct WorkspaceConfig {
    /// Where everything is kept.
    pub store: Store,
    /// The room engine, to find messages.
    pub rooms: Rooms,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub rng: Arc<dyn Rng>,
    /// The public address, for the setting `Site_Url`.
    pub site_url: String,
    /// The name of the server, for the setting `Site_Name`.
    pub site_name: String,
}

impl fmt::Debug for WorkspaceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceConfig")
            .field("site_url", &self.site_url)
            .finish_non_exhaustive()
    }
}

/// Rocket.Chat's ids, unique names and settings. Cheap to clone.
#[derive(Clone)]
pub struct Workspace {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) rooms: Rooms,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) site_url: String,
    pub(crate) site_name: String,
    pub(crate) by_room: Cache<OwnedRoomId, RcRoom>,
    pub(crate) by_user: Cache<OwnedUserId, String>,
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace").finish_non_exhaustive()
    }
}

impl Workspace {
    /// The workspace in a store.
    pub fn new(config: WorkspaceConfig) -> Self {
        let WorkspaceConfig {
            store,
            rooms,
            clock,
            rng,
            site_url,
            site_name,
        } = config;
        let (by_room, by_user) = (Cache::default(), Cache::default());
        let inner = Inner {
            store,
            rooms,
            clock,
            rng,
            site_url,
            site_name,
            by_room,
            by_user,
        };
        Self {
            inner: Arc::new(inner),
        }
    }
}

/// What never changes once it is written.
pub(crate) struct Cache<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.lock().get(key).cloned()
    }

    pub(crate) fn put(&self, key: K, value: V) {
        let mut kept = self.0.lock();
        if kept.len() >= CACHED {
            kept.clear();
        }
        kept.insert(key, value);
    }
}
