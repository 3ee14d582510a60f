//! What `gantry admin` does with a stored server.

use gantry_rooms::Upkeep;

use crate::{Config, wiring};

/// Why an administrator's command failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store cannot be opened.
    #[error(transparent)]
    Wiring(#[from] wiring::WiringError),
    /// A room cannot be read.
    #[error(transparent)]
    Rooms(#[from] gantry_rooms::Error),
}

/// Rebuilds the projections of all rooms and says what was wrong.
pub async fn rebuild_projections(config: &Config) -> Result<String, AdminError> {
    let store = wiring::open_store(config).await?;
    let upkeep = Upkeep::new(store.clone(), config.server.server_name());
    let rebuilt = upkeep.rebuild_projections().await;
    store.shutdown().await;
    let done = rebuilt?;
    Ok(format!(
        "{} rooms read, {} rows made; {} were missing or different, {} had no reason to be there\n",
        done.rooms, done.rows, done.written, done.removed
    ))
}
