//! Rooms, for an administrator.

use std::fmt::Write as _;

use gantry_model::id::OwnedRoomId;
use gantry_rooms::Rooms;
use serde::{Deserialize, Serialize};

use super::AdminError;

/// What can be asked of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomsRequest {
    /// Name all of them.
    List,
    /// Let nobody of this server enter one.
    Block(OwnedRoomId),
    /// Lift a block.
    Unblock(OwnedRoomId),
    /// Take old messages away.
    PurgeHistory {
        /// The room.
        room: OwnedRoomId,
        /// Messages from before this time go, in milliseconds since the epoch.
        before_ms: i64,
    },
    /// Take a room away.
    Delete {
        /// The room.
        room: OwnedRoomId,
        /// Whether nobody may enter it again.
        block: bool,
    },
}

/// Carries out a request and says what was done.
pub(super) async fn run(rooms: &Rooms, request: RoomsRequest) -> Result<String, AdminError> {
    match request {
        RoomsRequest::List => list(rooms).await,
        RoomsRequest::Block(room) => {
            rooms.block(&room, None).await?;
            Ok(format!("{room} is blocked\n"))
        }
        RoomsRequest::Unblock(room) => {
            rooms.unblock(&room).await?;
            Ok(format!("{room} is open\n"))
        }
        RoomsRequest::PurgeHistory { room, before_ms } => {
            let purged = rooms.purge_history(&room, before_ms).await?;
            Ok(format!(
                "{} messages of {room} were purged, {} bytes\n",
                purged.events, purged.bytes
            ))
        }
        RoomsRequest::Delete { room, block } => {
            let removed = rooms.delete(&room, block).await?;
            Ok(format!(
                "{} members have left {room}; {} documents were removed, {} bytes\n",
                removed.members, removed.documents, removed.bytes
            ))
        }
    }
}

/// One line per room: id, version, joined members, log entries, last change, and whether it is
/// blocked.
async fn list(rooms: &Rooms) -> Result<String, AdminError> {
    let mut blocked = rooms.blocked().await?;
    let mut text = String::from("room\tversion\tjoined\tentries\tchanged_ms\tblocked\n");
    for room in rooms.list().await? {
        let is_blocked = if blocked.remove(&room.room_id) {
            "yes"
        } else {
            "no"
        };
        // Writing to a string cannot fail.
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{is_blocked}",
            room.room_id, room.version, room.counts.joined, room.entries, room.updated_at
        )
        .unwrap_or_default();
    }
    for room in blocked {
        writeln!(text, "{room}\t-\t0\t0\t0\tyes").unwrap_or_default();
    }
    Ok(text)
}
