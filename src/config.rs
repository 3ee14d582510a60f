//! Configuration: a TOML file, overlaid by `GANTRY_<SECTION>__<KEY>` in the environment.
//!
//! Each section is a struct in a file of its own; the doc comment of a field is its entry in
//! `gantry.example.toml` ([`example`]). Without any configuration a server runs that only this
//! machine can reach. As soon as a listener leaves the loopback interface, the server must be
//! named, and registration is closed unless it is opened.

mod accounts;
mod appservices;
mod example;
mod federation;
mod limits;
mod listeners;
mod mail;
mod outbound;
mod overlay;
mod presence;
mod rate;
mod registration;
mod retention;
mod rocketchat;
mod rules;
mod search;
mod secret;
mod server;
mod storage;
mod support;
mod telemetry;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use accounts::AccountsConfig;
pub use appservices::AppservicesConfig;
pub use example::example;
pub use federation::FederationConfig;
pub use limits::LimitsConfig;
pub use listeners::ListenersConfig;
pub use mail::MailSection;
pub use outbound::OutboundSection;
pub use presence::PresenceConfig;
pub use rate::{InvalidRate, RateText};
pub use registration::RegistrationConfig;
pub use retention::RetentionConfig;
pub use rocketchat::RocketChatConfig;
pub use search::SearchConfig;
pub use secret::Secret;
pub use server::ServerConfig;
pub use storage::{StorageConfig, StorageEngine};
pub use support::SupportConfig;
pub use telemetry::{TelemetryConfig, TelemetryFormat};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file is not TOML")]
    Syntax(#[source] toml::de::Error),
    /// A key is unknown, or its value is of another kind.
    #[error(transparent)]
    Value(toml::de::Error),
    /// The values do not go together.
    #[error("{0}")]
    Rule(String),
}

/// All sections.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server itself.
    pub server: ServerConfig,
    /// Where it listens.
    pub listeners: ListenersConfig,
    /// Where it stores.
    pub storage: StorageConfig,
    /// Other Matrix servers.
    pub federation: FederationConfig,
    /// Requests that leave the server.
    pub outbound: OutboundSection,
    /// New accounts.
    pub registration: RegistrationConfig,
    /// Accounts.
    pub accounts: AccountsConfig,
    /// Mail.
    pub mail: MailSection,
    /// Limits.
    pub limits: LimitsConfig,
    /// Who is there.
    pub presence: PresenceConfig,
    /// How long messages are kept.
    pub retention: RetentionConfig,
    /// Finding what was said.
    pub search: SearchConfig,
    /// Rocket.Chat clients.
    pub rocketchat: RocketChatConfig,
    /// Who is asked for help.
    pub support: SupportConfig,
    /// Application services.
    pub appservices: AppservicesConfig,
    /// What the server tells about itself.
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// Reads a file, if there is one, overlays the environment and applies the rules.
    ///
    /// Of the environment, only names of the form `GANTRY_<SECTION>__<KEY>` are looked at.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
                    path: path.to_owned(),
                    source,
                })?
            }
        };
        Self::from_text(&text, environment)
    }

    /// The same from the text of a file.
    pub fn from_text(
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let table = text.parse::<toml::Table>().map_err(ConfigError::Syntax)?;
        let layered = overlay::layers(table, environment);
        let config = Self::deserialize(layered).map_err(ConfigError::Value)?;
        rules::completed(config)
    }
}

#[cfg(test)]
mod tests;
