//! Events of a room: sending them, and reading them.

mod delayed;
mod get_event_by_timestamp;
mod get_event_context;
mod get_joined_members_by_room;
mod get_members_by_room;
mod get_one_room_event;
mod get_relating_events;
mod get_room_events;
mod get_room_state;
mod get_thread_roots;
mod paging;
mod redact_event;
mod room_state;
mod search;
mod send_message;

pub(crate) use delayed::{get_delayed_events, update_delayed_event, update_delayed_event_by_body};
pub(crate) use get_event_by_timestamp::get_event_by_timestamp;
pub(crate) use get_event_context::get_event_context;
pub(crate) use get_joined_members_by_room::get_joined_members_by_room;
pub(crate) use get_members_by_room::get_members_by_room;
pub(crate) use get_one_room_event::get_one_room_event;
pub(crate) use get_relating_events::get_relating_events;
pub(crate) use get_room_events::get_room_events;
pub(crate) use get_room_state::get_room_state;
pub(crate) use get_thread_roots::get_thread_roots;
pub(crate) use redact_event::redact_event;
pub(crate) use room_state::{get_room_state_with_key, set_room_state_with_key};
pub(crate) use search::search;
pub(crate) use send_message::send_message;
