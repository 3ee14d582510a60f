//! Coming into rooms, leaving them, and seeing to it that others do.

mod ban;
mod forget_room;
mod invite_user;
mod join_room;
mod kick;
mod knock_room;
mod leave_room;

pub(crate) use ban::{ban, unban};
pub(crate) use forget_room::forget_room;
pub(crate) use invite_user::{AddressBody, invite_user};
pub(crate) use join_room::join_room;
pub(crate) use kick::kick;
pub(crate) use knock_room::knock_room;
pub(crate) use leave_room::leave_room;

use gantry_model::id::OwnedUserId;
use serde::Deserialize;

/// Whom an act is about, and why it is done.
#[derive(Debug, Deserialize)]
pub(crate) struct TargetBody {
    user_id: OwnedUserId,
    reason: Option<String>,
}
