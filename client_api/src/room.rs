//! Making rooms, and which ones the user is in.

mod create_room;
mod get_joined_rooms;
mod get_mutual_rooms;
mod get_room_summary;
mod upgrade_room;

pub(crate) use create_room::create_room;
pub(crate) use get_joined_rooms::get_joined_rooms;
pub(crate) use get_mutual_rooms::get_mutual_rooms;
pub(crate) use get_room_summary::get_room_summary;
pub(crate) use upgrade_room::upgrade_room;
