//! All rooms that this server knows.

use std::ops::Bound;

use gantry_model::id::{OwnedRoomId, RoomId};
use gantry_store::{Scan, hash16, schema::ROOM_NAME};

use crate::{Result, Rooms, codec::RoomDoc};

/// The most rooms of one page.
const MAX_PAGE: usize = 1_000;

impl Rooms {
    /// Rooms in an order that stays the same, beginning after a room; at most 1,000. Also those
    /// of which nothing but the number is known.
    pub async fn list_rooms(
        &self,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Result<Vec<OwnedRoomId>> {
        let from = after.map_or(Bound::Unbounded, |room| {
            Bound::Excluded(hash16(&[room.as_bytes()]).to_vec())
        });
        let scan = Scan::range(from, Bound::Unbounded).limit(limit.min(MAX_PAGE));
        let rows = self.store().scan::<RoomDoc>(ROOM_NAME, scan).await?;
        Ok(rows.into_iter().map(|(_, doc)| doc.room_id).collect())
    }
}
