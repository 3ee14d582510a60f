//! Who receives an event.

use std::collections::BTreeSet;

use gantry_model::id::{OwnedServerName, ServerName};
use gantry_rooms::{RoomEvent, Rooms};

use crate::Result;

/// The servers that an event goes to: those joined in the room before or after it, without us and
/// without the sender's.
pub(crate) async fn recipients(
    rooms: &Rooms,
    event: &RoomEvent,
) -> Result<BTreeSet<OwnedServerName>> {
    if !event.flags.out {
        return Ok(BTreeSet::new());
    }
    let mut servers = match rooms.view(event.pdu.room_id()).await? {
        Some(view) => BTreeSet::clone(&view.servers()),
        None => BTreeSet::new(),
    };
    servers.extend(departed(event));
    servers.remove(rooms.identity().server_name());
    if !is_ours(event) {
        servers.remove(event.pdu.sender().server_name());
    }
    Ok(servers)
}

/// Whether we made an event. Its sender may still be a user of another server: of an invite that an
/// identity server vouches for.
pub(crate) fn is_ours(event: &RoomEvent) -> bool {
    event.flags.local
}

/// The server of a user who left with this event, and may have been its last.
pub(crate) fn departed(event: &RoomEvent) -> Option<OwnedServerName> {
    let was_joined = event
        .replaces
        .as_ref()
        .is_some_and(|old| old.content_str("membership") == Some("join"));
    if event.pdu.kind() != "m.room.member" || !was_joined {
        return None;
    }
    let (_, server) = event.pdu.state_key()?.split_once(':')?;
    ServerName::parse(server).ok()
}
