//! All rooms, for an administrator.

use std::ops::Bound;

use gantry_model::id::{OwnedRoomId, RoomId};
use gantry_store::{Scan, hash16, schema::ROOM, schema::ROOM_NAME};
use serde::Deserialize;

use crate::{
    Counts, Result, Rooms,
    codec::{HeadDoc, RoomDoc, entry_key, number},
    pages::Pages,
};

/// The most rooms of one page.
const MAX_PAGE: usize = 1_000;

/// A room as the list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRoom {
    /// The id.
    pub room_id: OwnedRoomId,
    /// The version.
    pub version: String,
    /// How many entries its log has.
    pub entries: u64,
    /// Its counters.
    pub counts: Counts,
    /// When it changed last, in milliseconds.
    pub updated_at: i64,
}

/// What is read of a room's last entry.
#[derive(Deserialize)]
struct LastRow {
    h: HeadDoc,
}

impl Rooms {
    /// Ids of rooms in an order that stays the same, beginning after a room; at most 1,000. Also
    /// those of which nothing but the number is known.
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

    /// All rooms that have a log, without loading them.
    pub async fn list(&self) -> Result<Vec<ListedRoom>> {
        let mut listed = Vec::new();
        let mut rooms = Pages::<RoomDoc>::all(self.store(), ROOM_NAME, 200);
        while let Some(page) = rooms.next().await? {
            let scans = page.iter().map(|(_, room)| {
                let at = |pos| entry_key(room.rid as u64, pos);
                let whole = Scan::range(Bound::Included(at(0)), Bound::Included(at(u64::MAX)));
                whole.reverse().limit(1).light()
            });
            let ends = self
                .store()
                .multi_scan::<LastRow>(ROOM, scans.collect())
                .await?;
            for ((_, room), end) in page.into_iter().zip(ends) {
                let Some((end_key, last)) = end.into_iter().next() else {
                    continue;
                };
                listed.push(ListedRoom {
                    room_id: room.room_id,
                    version: room.version,
                    entries: number(&end_key)?,
                    counts: last.h.n,
                    updated_at: last.h.u,
                });
            }
        }
        listed.sort_by(|a, b| a.room_id.cmp(&b.room_id));
        Ok(listed)
    }
}
