//! Putting the projections of all rooms right (I12).

use std::collections::{BTreeMap, HashSet};

use gantry_store::{Batch, Key, Scan, schema::MEMBERSHIP, to_document};

use super::{Upkeep, project};
use crate::{MembershipRow, Result, codec::RoomDoc, pages::Pages};

/// Rows that are written or read at once.
const ROWS_AT_ONCE: usize = 500;

/// What a rebuild has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Rooms that were read.
    pub rooms: u64,
    /// Rows that the logs make.
    pub rows: u64,
    /// Rows that were missing or different.
    pub written: u64,
    /// Rows that no log makes.
    pub removed: u64,
}

impl Upkeep {
    /// Makes the projections of all rooms from their logs and replaces what is stored where it
    /// differs. What is no function of the log stays: that a user has forgotten a room.
    pub async fn rebuild_projections(&self) -> Result<Rebuilt> {
        let mut done = Rebuilt::default();
        let mut known = HashSet::new();
        let mut rooms = self.rooms();
        while let Some(page) = rooms.next().await? {
            for (_, room) in page {
                known.insert(room.rid);
                self.rebuild_room(&room, &mut done).await?;
            }
        }
        self.remove_strays(&known, &mut done).await?;
        Ok(done)
    }

    async fn rebuild_room(&self, room: &RoomDoc, done: &mut Rebuilt) -> Result<()> {
        let made = project(&self.store, room, &|user| self.is_local(user)).await?;
        done.rooms += 1;
        done.rows += made.rows.len() as u64;
        let mut stored = self.stored_rows(room).await?;
        let mut wrong = Vec::new();
        for (key, row) in made.rows {
            let old = stored.remove(&key);
            let row = row.keeping(old.as_ref());
            if old.as_ref() != Some(&row) {
                wrong.push((key, row));
            }
        }
        done.written += wrong.len() as u64;
        for some in wrong.chunks(ROWS_AT_ONCE) {
            let mut batch = Batch::new();
            for (key, row) in some {
                batch.put(MEMBERSHIP, key.clone(), to_document(MEMBERSHIP, row)?);
            }
            self.store.commit(batch).await?;
        }
        self.remove(stored.into_keys().collect(), done).await
    }

    /// The stored rows of a room.
    pub(super) async fn stored_rows(&self, room: &RoomDoc) -> Result<BTreeMap<Key, MembershipRow>> {
        let scan = Scan::index("rid", vec![room.rid.into()]);
        let rows = self.store.scan::<MembershipRow>(MEMBERSHIP, scan).await?;
        Ok(rows.into_iter().collect())
    }

    /// Removes the rows of rooms that do not exist.
    async fn remove_strays(&self, known: &HashSet<i64>, done: &mut Rebuilt) -> Result<()> {
        let mut strays = Vec::new();
        let mut pages = Pages::<MembershipRow>::all(&self.store, MEMBERSHIP, ROWS_AT_ONCE);
        while let Some(page) = pages.next().await? {
            let stray = page
                .into_iter()
                .filter(|(_, row)| !known.contains(&row.rid));
            strays.extend(stray.map(|(key, _)| key));
        }
        self.remove(strays, done).await
    }

    async fn remove(&self, keys: Vec<Key>, done: &mut Rebuilt) -> Result<()> {
        done.removed += keys.len() as u64;
        for some in keys.chunks(ROWS_AT_ONCE) {
            let mut batch = Batch::new();
            for key in some {
                batch.delete(MEMBERSHIP, key.clone());
            }
            self.store.commit(batch).await?;
        }
        Ok(())
    }
}
