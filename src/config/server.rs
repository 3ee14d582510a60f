//! Section `server`.

use std::path::PathBuf;

use gantry_model::id::{OwnedServerName, ServerName};
use serde::{Deserialize, Serialize};

/// The server itself.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The server's name, the part behind the colon of its users' ids. It can never be changed.
    /// Required as soon as a listener leaves the loopback interface, otherwise "localhost".
    pub name: Option<OwnedServerName>,
    /// The folder of the embedded engine and of everything else that is stored in files.
    pub data_dir: PathBuf,
    /// What `/.well-known/matrix/server` answers: host and port of federation, for example
    /// "matrix.example.org:443". Without it the file does not exist.
    pub well_known_server: Option<String>,
    /// What `/.well-known/matrix/client` answers as the base URL of the client API, for example
    /// `https://matrix.example.org`. Without it, the URL by which the client asks.
    pub well_known_client: Option<String>,
    /// The version of rooms that Matrix clients create without naming one.
    pub default_room_version: String,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            name: None,
            data_dir: PathBuf::from("./gantry-data"),
            well_known_server: None,
            well_known_client: None,
            default_room_version: "12".to_owned(),
        }
    }
}

impl ServerConfig {
    /// The name, "localhost" without one.
    pub fn server_name(&self) -> OwnedServerName {
        self.name
            .clone()
            .unwrap_or_else(|| ServerName::parse("localhost").expect("localhost is a server name"))
    }
}
