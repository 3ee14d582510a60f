//! What other nodes append: the rooms that it concerns are read again before they are used.

use std::sync::atomic::Ordering;

use gantry_store::{Cut, schema::ROOM};

use crate::{Result, Rooms, codec::log_place};

impl Rooms {
    /// Notes of every room in memory how long its log has become, as far as everything is committed
    /// now. Whoever reads a room up to a cut has it noted first.
    pub(super) async fn heed_others(&self) -> Result<()> {
        if !self.store().is_shared() {
            return Ok(());
        }
        let now = self.store_cut();
        if is_covered(&now, &self.0.heeded.read()) {
            return Ok(());
        }
        let since = self.0.heeded.read().clone();
        for change in self.store().changes(&since, &now).await? {
            if change.table == ROOM
                && let Some((rid, pos)) = log_place(&change.key)
            {
                self.note_end(rid, pos);
            }
        }
        let mut heeded = self.0.heeded.write();
        *heeded = heeded.max(&now);
        Ok(())
    }

    fn note_end(&self, rid: u64, pos: u64) {
        let Some(room_id) = self.0.names.lock().get(&rid).cloned() else {
            return;
        };
        if let Some(room) = self.0.rooms.lock().get(&room_id) {
            room.shared.end.fetch_max(pos, Ordering::SeqCst);
        }
    }
}

fn is_covered(cut: &Cut, by: &Cut) -> bool {
    cut.marks().all(|mark| by.contains(mark))
}
