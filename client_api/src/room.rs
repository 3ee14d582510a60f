//! Making rooms, and which ones the user is in.

mod create_room;
mod get_joined_rooms;

pub(crate) use create_room::create_room;
pub(crate) use get_joined_rooms::get_joined_rooms;
