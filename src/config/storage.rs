//! Section `storage`.

use serde::{Deserialize, Serialize};

use super::Secret;

/// Where the server stores.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// "redb", the embedded engine in `server.data_dir`, or "mongodb", a replica set that any
    /// number of nodes share.
    pub engine: StorageEngine,
    /// The connection string of MongoDB.
    pub uri: Option<Secret>,
    /// The name of the database in MongoDB.
    pub database: String,
}

/// The storage engines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageEngine {
    /// The embedded one.
    #[default]
    Redb,
    /// A MongoDB replica set.
    Mongodb,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            engine: StorageEngine::default(),
            uri: None,
            database: "gantry".to_owned(),
        }
    }
}
