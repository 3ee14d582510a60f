//! Who receives an event.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use gantry_model::id::{OwnedRoomId, OwnedServerName, RoomId, ServerName};
use gantry_rooms::{RoomEvent, Rooms};

use crate::Result;

/// Rooms whose servers are kept in memory.
const MAX_ROOMS: usize = 10_000;

/// The servers of rooms, as the follower of the log sees them.
#[derive(Debug, Default)]
pub(crate) struct Recipients {
    rooms: HashMap<OwnedRoomId, Arc<BTreeSet<OwnedServerName>>>,
}

impl Recipients {
    /// The servers that an event goes to: those joined in the room before or after it, without us
    /// and without the sender's.
    pub(crate) async fn of(
        &mut self,
        rooms: &Rooms,
        event: &RoomEvent,
    ) -> Result<BTreeSet<OwnedServerName>> {
        if changes_servers(event) {
            self.rooms.remove(event.pdu.room_id());
        }
        if !event.flags.out {
            return Ok(BTreeSet::new());
        }
        let mut servers = BTreeSet::clone(&*self.joined(rooms, event.pdu.room_id()).await?);
        servers.extend(departed(event));
        servers.remove(rooms.identity().server_name());
        servers.remove(event.pdu.sender().server_name());
        Ok(servers)
    }

    async fn joined(
        &mut self,
        rooms: &Rooms,
        room: &RoomId,
    ) -> Result<Arc<BTreeSet<OwnedServerName>>> {
        if let Some(servers) = self.rooms.get(room) {
            return Ok(Arc::clone(servers));
        }
        let servers = rooms.view(room).await?.map(|view| view.servers()).unwrap_or_default();
        if self.rooms.len() >= MAX_ROOMS {
            self.rooms.clear();
        }
        let servers = Arc::new(servers);
        self.rooms.insert(room.to_owned(), Arc::clone(&servers));
        Ok(servers)
    }
}

/// Whether the servers of the room may be others after this event.
fn changes_servers(event: &RoomEvent) -> bool {
    event.flags.div || event.flags.soft || event.pdu.kind() == "m.room.member"
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
