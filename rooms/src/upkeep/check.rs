//! Whether everything that is stored of rooms is as it must be. Nothing is written.
//!
//! Of each room: its names and bodies ([`bodies`]), its log ([`log`]), the states that the log
//! leads to ([`states`], replayed), the heads ([`heads`]) and the rows made from them.

mod bodies;
mod event;
mod heads;
mod log;
mod states;

use std::{collections::HashSet, ops::Bound};

use gantry_store::{
    Key, Scan,
    bson::RawDocumentBuf,
    from_raw,
    schema::{FILLER, MEMBERSHIP, ROOM},
};

use self::bodies::Bodies;
use super::{Upkeep, findings::Checked};
use crate::{MembershipRow, Result, codec::RoomDoc, pages::Pages};

/// How often a room in which something was found is looked at again: where another node is at
/// work, its log may have grown between two reads.
const LOOKS: usize = 3;

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 1000;

impl Upkeep {
    /// Checks all rooms and what is stored beside them.
    pub async fn check(&self) -> Result<Checked> {
        let mut all = Checked::default();
        for damage in self.store.check().await? {
            all.find(None, "engine", damage);
        }
        let mut known = HashSet::new();
        let mut rooms = self.rooms();
        while let Some(page) = rooms.next().await? {
            for (_, room) in page {
                known.insert(room.rid);
                all.add(self.check_room_again(&room).await?);
            }
        }
        self.find_strays(&known, &mut all).await?;
        Ok(all)
    }

    async fn check_room_again(&self, room: &RoomDoc) -> Result<Checked> {
        let mut found = self.check_room(room).await?;
        for _ in 1..LOOKS {
            if found.is_sound() {
                break;
            }
            found = self.check_room(room).await?;
        }
        Ok(found)
    }

    async fn check_room(&self, room: &RoomDoc) -> Result<Checked> {
        let mut found = Checked {
            rooms: 1,
            ..Checked::default()
        };
        if room.version().is_err() {
            found.find(Some(&room.room_id), "room", "its version is unknown");
            return Ok(found);
        }
        let bodies = Bodies::read(&self.store, room, &mut found).await?;
        if bodies.is_whole {
            let rows = self.check_log(room, &bodies, &mut found).await?;
            if let Some(rows) = rows {
                self.check_rows(room, rows, &mut found).await?;
            }
        }
        Ok(found)
    }

    async fn check_rows(
        &self,
        room: &RoomDoc,
        made: std::collections::BTreeMap<Key, MembershipRow>,
        found: &mut Checked,
    ) -> Result<()> {
        let mut stored = self.stored_rows(room).await?;
        found.rows += stored.len() as u64;
        for (key, row) in made {
            let place = format!("membership of {}", row.user);
            match stored.remove(&key) {
                None => found.find(Some(&room.room_id), place, "the row is missing"),
                Some(old) if old != row.keeping(Some(&old)) => {
                    found.find(
                        Some(&room.room_id),
                        place,
                        "the row is not what the log says",
                    );
                }
                Some(_) => {}
            }
        }
        for row in stored.into_values() {
            let place = format!("membership of {}", row.user);
            found.find(
                Some(&room.room_id),
                place,
                "the log has nothing of this row",
            );
        }
        Ok(())
    }

    /// Documents and rows of rooms that do not exist.
    async fn find_strays(&self, known: &HashSet<i64>, found: &mut Checked) -> Result<()> {
        let mut from = Bound::Unbounded;
        loop {
            let scan = Scan::range(from, Bound::Unbounded).limit(1).light();
            let next = self.store.scan::<RawDocumentBuf>(ROOM, scan).await?.pop();
            let Some((key, _)) = next else { break };
            let rid = i64::from_be_bytes(key[..8].try_into().unwrap_or_default());
            let is_filler = rid == 0 && key[8] == FILLER;
            if !is_filler && !known.contains(&rid) {
                found.find(None, format!("room number {rid}"), "no room has it");
            }
            match rid.checked_add(1) {
                Some(next) => from = Bound::Included(next.to_be_bytes().to_vec()),
                None => break,
            }
        }
        let mut pages = Pages::<RawDocumentBuf>::all(&self.store, MEMBERSHIP, ROWS_AT_ONCE);
        while let Some(page) = pages.next().await? {
            for (_, doc) in page {
                match from_raw::<MembershipRow>(MEMBERSHIP, &doc) {
                    Ok(row) if known.contains(&row.rid) => {}
                    Ok(row) => {
                        let place = format!("membership of {}", row.user);
                        found.find(None, place, "its room does not exist");
                    }
                    Err(error) => found.find(None, "membership", error.to_string()),
                }
            }
        }
        Ok(())
    }
}
