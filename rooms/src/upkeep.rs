//! What an administrator does with stored rooms while no actor works on them: rebuild what follows
//! from the log, check it, and write it out.

mod check;
mod counts;
mod export;
mod findings;
mod project;
mod rebuild;

use gantry_model::id::{OwnedServerName, UserId};
use gantry_store::{Store, schema::ROOM_NAME};

pub(crate) use self::project::current_changes;
use self::{counts::Counting, project::project};
pub use self::{
    export::Export,
    findings::{Checked, Finding},
    rebuild::Rebuilt,
};
use crate::{codec::RoomDoc, pages::Pages};

/// Rooms that are read at once.
const ROOMS_AT_ONCE: usize = 500;

/// The stored rooms of one server, without actors.
pub struct Upkeep {
    store: Store,
    server_name: OwnedServerName,
}

impl Upkeep {
    /// The rooms in a store. Nothing else may write them meanwhile.
    pub fn new(store: Store, server_name: OwnedServerName) -> Self {
        Self { store, server_name }
    }

    fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.server_name
    }

    /// The names of all rooms, page by page.
    fn rooms(&self) -> Pages<'_, RoomDoc> {
        Pages::all(&self.store, ROOM_NAME, ROOMS_AT_ONCE)
    }
}
