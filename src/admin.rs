//! What `gantry admin` does.
//!
//! A [`Request`] is run by the running server if there is one (it listens at a socket in the data
//! folder, see [`control`]), else by the command itself on the store.

pub mod accounts;
pub mod control;
mod offline;
mod operator;
mod rooms;

use std::path::PathBuf;

use gantry_model::id::RoomId;
use serde::{Deserialize, Serialize};

pub use self::{
    offline::{export_room, rebuild_projections, restore, run},
    operator::{Answer, Operator},
    rooms::RoomsRequest,
};
use crate::wiring;

/// Why an administrator's command failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The store cannot be opened.
    #[error(transparent)]
    Wiring(#[from] wiring::WiringError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] gantry_store::Error),
    /// A room cannot be read or changed.
    #[error(transparent)]
    Rooms(#[from] gantry_rooms::Error),
    /// The running server cannot be talked to.
    #[error("the running server cannot be asked: {0}")]
    Control(#[source] std::io::Error),
    /// The search index cannot be removed.
    #[error("the search index cannot be removed: {0}")]
    Search(#[source] std::io::Error),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[source] std::io::Error),
    /// The store was opened to be read.
    #[error("the store is only read")]
    ReadOnly,
    /// The running server refuses; the text is its own.
    #[error("{0}")]
    Refused(String),
}

/// What can be asked of a server, running or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Write everything into a folder.
    Backup {
        /// The folder, absolute, new or empty.
        folder: PathBuf,
    },
    /// Compute everything anew and compare.
    Check,
    /// Something about rooms.
    Rooms(RoomsRequest),
}

/// The id of a room, for the command line.
pub fn parse_room(text: &str) -> Result<gantry_model::id::OwnedRoomId, String> {
    RoomId::parse(text).map_err(|error| error.to_string())
}
