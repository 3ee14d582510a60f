//! Memberships that a crash has kept from being written behind the entry that they come from.

use std::ops::Bound;

use gantry_store::{CutOff, Scan, schema::MEMBERSHIP, schema::ROOM};
use serde::Deserialize;

use crate::{
    MembershipRow, Result, RoomView, Rooms,
    codec::{EntryDoc, log_place, number},
    members::{Transition, row_key},
    upkeep::current_changes,
};

/// Log entries that are read at once.
const AT_ONCE: usize = 256;

/// What entries and fillers have in common.
#[derive(Deserialize)]
struct Borne {
    s: i64,
}

impl Rooms {
    /// Writes the memberships that are missing after the crash of a node. To be called before
    /// requests are served, and after another node is gone. Returns how many were missing.
    pub async fn replay(&self) -> Result<u64> {
        let mut written = 0;
        for part in self.store().cut_off().await? {
            written += self.replay_part(&part).await?;
            self.store().note_whole(&part).await?;
        }
        Ok(written)
    }

    async fn replay_part(&self, part: &CutOff) -> Result<u64> {
        let mut written = 0;
        let mut after = part.after;
        loop {
            let bound = |s: u64| (s as i64).into();
            let scan = Scan::index("ws", vec![i64::from(part.w).into()])
                .between(
                    Bound::Excluded(bound(after)),
                    Bound::Included(bound(part.upto)),
                )
                .limit(AT_ONCE);
            let page = self.store().scan::<Borne>(ROOM, scan).await?;
            let keys = page.iter().map(|(key, _)| key.clone());
            let keys: Vec<_> = keys.filter(|key| log_place(key).is_some()).collect();
            let entries = self.store().multi_get::<EntryDoc>(ROOM, &keys).await?;
            for (place, entry) in keys.iter().zip(entries) {
                if let Some(entry) = entry {
                    written += self.replay_entry(number(place)?, &entry).await?;
                }
            }
            after = page.last().map_or(after, |(_, last)| last.s as u64);
            if page.len() < AT_ONCE {
                return Ok(written);
            }
        }
    }

    async fn replay_entry(&self, pos: u64, entry: &EntryDoc) -> Result<u64> {
        let rid = entry.rid as u64;
        let changes = current_changes(self.store(), rid, entry).await?;
        if changes.is_empty() {
            return Ok(0);
        }
        let Some(room) = self.name(rid).await? else {
            return Ok(0);
        };
        let Some(view) = self.view(&room).await? else {
            return Ok(0);
        };
        let mut written = 0;
        for change in &changes {
            let is_local = |user: &_| self.identity().is_local(user);
            if let Some(transition) = Transition::of(view.dag(), change, &is_local) {
                written += u64::from(self.replay_row(&view, transition, pos).await?);
            }
        }
        Ok(written)
    }

    /// Writes a row, unless it is there or a newer one is.
    async fn replay_row(&self, view: &RoomView, transition: Transition, pos: u64) -> Result<bool> {
        let key = row_key(&transition.user, view.rid());
        let stored: Option<MembershipRow> = self.store().get(MEMBERSHIP, &key).await?;
        if stored.as_ref().is_some_and(|row| row.v as u64 >= pos) {
            return Ok(false);
        }
        let row = transition.row(view.room_id(), view.rid() as i64, pos, stored.as_ref());
        let expected = stored.map(|row| row.v);
        Ok(self.store().put_if(MEMBERSHIP, key, expected, &row).await?)
    }
}
