//! Who we are to other servers: our name and our signing keys.

use std::{fmt, sync::Arc};

use gantry_model::{
    Clock, Rng, ServerSigningKey, VerifyKey,
    id::{OwnedServerName, ServerName, UserId},
};
use gantry_store::{Blob, Scan, Store, hash16, schema::SIGNING_KEY};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The name of this server and its keys. Cheap to clone.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    server_name: OwnedServerName,
    key: ServerSigningKey,
    old_keys: Vec<(String, VerifyKey, i64)>,
}

#[derive(Serialize, Deserialize)]
struct KeyDoc {
    version: String,
    seed: Blob,
    created: i64,
    expired: Option<i64>,
}

impl Identity {
    /// An identity with one key.
    pub fn new(server_name: OwnedServerName, key: ServerSigningKey) -> Self {
        Self(Arc::new(Inner {
            server_name,
            key,
            old_keys: Vec::new(),
        }))
    }

    /// The stored identity; a first key is made where there is none.
    pub async fn load(
        store: &Store,
        server_name: OwnedServerName,
        rng: &dyn Rng,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let mut keys = Self::stored(store).await?;
        if !keys.iter().any(|key| key.expired.is_none()) {
            Self::add_key(store, rng, clock).await?;
            keys = Self::stored(store).await?;
        }
        let current = keys
            .iter()
            .filter(|key| key.expired.is_none())
            .max_by_key(|key| key.created)
            .ok_or(Error::Broken("no signing key"))?;
        let mut old_keys = Vec::new();
        for key in &keys {
            if let Some(expired) = key.expired {
                let key = key.open()?;
                old_keys.push((key.id().to_owned(), key.verify_key(), expired));
            }
        }
        Ok(Self(Arc::new(Inner {
            server_name,
            key: current.open()?,
            old_keys,
        })))
    }

    /// Retires the current key and makes a new one. It is used after the next [`Identity::load`].
    pub async fn rotate(store: &Store, rng: &dyn Rng, clock: &dyn Clock) -> Result<()> {
        for mut key in Self::stored(store).await? {
            if key.expired.is_none() {
                key.expired = Some(clock.now_ms());
                store.put(SIGNING_KEY, key.key(), &key).await?;
            }
        }
        Self::add_key(store, rng, clock).await
    }

    async fn stored(store: &Store) -> Result<Vec<KeyDoc>> {
        let rows = store.scan::<KeyDoc>(SIGNING_KEY, Scan::prefix(&[])).await?;
        Ok(rows.into_iter().map(|(_, key)| key).collect())
    }

    async fn add_key(store: &Store, rng: &dyn Rng, clock: &dyn Clock) -> Result<()> {
        let mut seed = vec![0; 32];
        rng.fill(&mut seed);
        let key = KeyDoc {
            version: rng.alphanumeric(6),
            seed: Blob(seed),
            created: clock.now_ms(),
            expired: None,
        };
        store.put(SIGNING_KEY, key.key(), &key).await?;
        Ok(())
    }

    /// Our server name.
    pub fn server_name(&self) -> &ServerName {
        &self.0.server_name
    }

    /// The key that we sign with.
    pub fn key(&self) -> &ServerSigningKey {
        &self.0.key
    }

    /// Retired keys: id, key, and when they were retired in milliseconds.
    pub fn old_keys(&self) -> &[(String, VerifyKey, i64)] {
        &self.0.old_keys
    }

    /// Whether the user is one of ours.
    pub fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Identity")
            .field(&self.0.server_name)
            .finish()
    }
}

impl KeyDoc {
    fn key(&self) -> Vec<u8> {
        hash16(&[self.version.as_bytes()]).to_vec()
    }

    fn open(&self) -> Result<ServerSigningKey> {
        let seed: [u8; 32] = self
            .seed
            .0
            .clone()
            .try_into()
            .map_err(|_| Error::Broken("malformed signing key"))?;
        Ok(ServerSigningKey::from_seed(&self.version, &seed))
    }
}
