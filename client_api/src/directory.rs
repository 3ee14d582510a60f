//! Aliases, and the public directory.

mod aliases;
mod get_local_aliases;
mod public_rooms;
mod room_visibility;

pub(crate) use aliases::{delete_room_alias, get_room_id_by_alias, set_room_alias};
pub(crate) use get_local_aliases::get_local_aliases;
pub(crate) use public_rooms::{get_public_rooms, query_public_rooms};
pub(crate) use room_visibility::{get_room_visibility, set_room_visibility};
