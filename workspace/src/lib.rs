//! What Rocket.Chat has and Matrix has not: ids of its own form, names unique on the server, and
//! settings.
//!
//! To begin with: [`Workspace`] (the handle), [`RcRoom`] (a room under its Rocket.Chat id) and
//! [`settings`]. Ids are handed out once and never change. This crate must not know a wire format
//! of Rocket.Chat.

mod error;
pub mod message_id;
mod messages;
mod names;
mod rooms;
pub mod settings;
mod stored_settings;
#[cfg(test)]
mod testing;
mod users;
mod workspace;

pub use error::{Error, Result};
pub use names::NameReservation;
pub use rooms::{GENERAL, RcRoom, RoomKind};
pub use stored_settings::Setting;
pub use users::rc_user_id;
pub use workspace::{Workspace, WorkspaceConfig};

/// Characters of the ids that this server makes up.
pub const ID_LENGTH: usize = 17;
