//! Section `search`.

use serde::{Deserialize, Serialize};

/// Finding what was said.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Whether users can search what was said in their rooms. The index stands in the folder
    /// `search` of the data folder, also where the data is kept in MongoDB; it is made anew from the
    /// data when it is missing.
    pub enabled: bool,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}
