//! Administration: of the specification, and what moderation tools use of Synapse's admin API.

mod accounts;
mod events;
mod moderation;
mod removal;
mod rooms;
mod tokens;
mod users;
mod whois;

pub(crate) use accounts::{
    deactivate, delete_devices, get_devices, get_user_admin, get_user_joined_rooms, reset_password,
    set_user_admin, suspend,
};
pub(crate) use events::{delete_event_report, get_event_report, get_event_reports};
pub(crate) use moderation::{get_lock, get_suspend, set_lock, set_suspend};
pub(crate) use removal::{
    delete_room, delete_room_now, get_delete_status, get_delete_statuses, get_purge_status,
    purge_history,
};
pub(crate) use rooms::{
    get_room, get_room_block, get_room_members, get_room_state, get_rooms, join_user,
    set_room_block,
};
pub(crate) use tokens::{
    create_registration_token, delete_registration_token, get_registration_tokens,
};
pub(crate) use users::{get_user, get_users, put_user};
pub(crate) use whois::{get_server_version, whois};
