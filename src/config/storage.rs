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
    /// How many MiB of pages the embedded engine keeps in memory. The operating system caches the file
    /// anyway; a large server that has memory to spare is quicker with more.
    pub cache_mib: usize,
    /// The connection string of MongoDB.
    pub uri: Option<Secret>,
    /// The name of the database in MongoDB.
    pub database: String,
    /// What this node is called among those that share the database. Two processes of one name end
    /// each other. Without it, a name is made up and kept in `server.data_dir`.
    pub node: Option<String>,
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
            cache_mib: 8,
            uri: None,
            database: "gantry".to_owned(),
            node: None,
        }
    }
}
