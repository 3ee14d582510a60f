//! Section `appservices`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Application services.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppservicesConfig {
    /// The registration files of application services.
    pub files: Vec<PathBuf>,
}
