//! Rooms that nobody of this server may enter.

use std::collections::HashSet;

use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use gantry_store::{Key, Scan, hash16, schema::BLOCKED};
use serde::{Deserialize, Serialize};

use crate::{Error, NewEvent, Result, Rooms};

#[derive(Debug, Serialize, Deserialize)]
struct BlockedDoc {
    room_id: OwnedRoomId,
    /// When it was blocked, in milliseconds.
    since: i64,
    /// Who asked for it; nobody: `gantry admin`.
    by: Option<OwnedUserId>,
}

/// A block of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// When it began, in milliseconds since the epoch.
    pub since: i64,
    /// The administrator who asked for it over the API.
    pub by: Option<OwnedUserId>,
}

fn block_key(room: &RoomId) -> Key {
    hash16(&[room.as_bytes()]).to_vec()
}

impl Rooms {
    /// Lets nobody of ours enter a room from now on, also one that is not known here. Who is in it
    /// stays in it.
    pub async fn block(&self, room: &RoomId, by: Option<&UserId>) -> Result<()> {
        let doc = BlockedDoc {
            room_id: room.to_owned(),
            since: self.clock().now_ms(),
            by: by.map(UserId::to_owned),
        };
        Ok(self.store().put(BLOCKED, block_key(room), &doc).await?)
    }

    /// Lifts a block.
    pub async fn unblock(&self, room: &RoomId) -> Result<()> {
        Ok(self.store().delete(BLOCKED, block_key(room)).await?)
    }

    /// The block of a room; `None`: it is open.
    pub async fn block_of(&self, room: &RoomId) -> Result<Option<Block>> {
        let found: Option<BlockedDoc> = self.store().get(BLOCKED, &block_key(room)).await?;
        Ok(found.map(|doc| Block {
            since: doc.since,
            by: doc.by,
        }))
    }

    /// All blocked rooms.
    pub async fn blocked(&self) -> Result<HashSet<OwnedRoomId>> {
        let all = Scan::prefix(&[]);
        let rows = self.store().scan::<BlockedDoc>(BLOCKED, all).await?;
        Ok(rows.into_iter().map(|(_, doc)| doc.room_id).collect())
    }

    /// Refuses what would bring somebody into a blocked room with [`Error::Blocked`].
    pub async fn require_open(&self, room: &RoomId) -> Result<()> {
        match self.block_of(room).await? {
            Some(_) => Err(Error::Blocked),
            None => Ok(()),
        }
    }
}

impl NewEvent {
    /// Whether it brings somebody into the room, or nearer to it.
    pub(crate) fn enters(&self) -> bool {
        matches!(self.membership(), Some("join" | "invite" | "knock"))
    }

    /// Whom it takes out of the room.
    pub(crate) fn takes_out(&self) -> Option<OwnedUserId> {
        matches!(self.membership(), Some("leave" | "ban"))
            .then(|| UserId::parse(self.state_key.as_deref()?).ok())
            .flatten()
    }

    /// The membership that it gives somebody.
    fn membership(&self) -> Option<&str> {
        let membership = self.content.get("membership")?.as_str()?;
        (self.kind == "m.room.member").then_some(membership)
    }
}
