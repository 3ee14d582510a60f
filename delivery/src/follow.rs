//! Following the log: each entry that must be relayed is put into the queues of its recipients.

use std::sync::Arc;

use gantry_model::id::OwnedServerName;
use gantry_rooms::{RoomEvent, Rooms, StreamKind};
use gantry_store::{Cut, Position};

use crate::{Result, queue::Item, recipients::recipients};

/// Numbers of each writer that are read at once.
pub(crate) const STEP: u64 = 500;

/// An event with the servers that it goes to.
pub(crate) struct Addressed {
    pub(crate) item: Item,
    pub(crate) servers: Vec<OwnedServerName>,
}

/// The log entries between two cuts.
pub(crate) async fn entries(rooms: &Rooms, since: &Cut, upto: &Cut) -> Result<Vec<RoomEvent>> {
    let mut entries = Vec::new();
    for change in rooms.stream_changes(since, upto).await? {
        if matches!(change.kind, StreamKind::Room { .. })
            && let Some(entry) = rooms.entry_at(change.position).await?
        {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// What is to be relayed between two cuts, and to whom.
pub(crate) async fn addressed(rooms: &Rooms, since: &Cut, upto: &Cut) -> Result<Vec<Addressed>> {
    let mut addressed = Vec::new();
    for entry in entries(rooms, since, upto).await? {
        let servers = recipients(rooms, &entry).await?;
        if !servers.is_empty() {
            let item = item(&entry, entry.position);
            addressed.push(Addressed {
                item,
                servers: servers.into_iter().collect(),
            });
        }
    }
    Ok(addressed)
}

/// An entry as it waits.
pub(crate) fn item(entry: &RoomEvent, position: Position) -> Item {
    Item {
        position,
        pdu: Arc::clone(&entry.pdu),
    }
}
