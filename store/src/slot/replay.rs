//! What a crash may have cut off: an entry is there, and what stands behind it in its batch is not.

use crate::Result;
use crate::slot::{SlotRow, rows};
use crate::store::Store;

/// Numbers of a closed slot whose batches may be cut off.
#[derive(Debug)]
pub struct CutOff {
    /// The writer slot.
    pub w: u16,
    /// Up to this number everything is whole.
    pub after: u64,
    /// The last number that may be concerned.
    pub upto: u64,
    row: SlotRow,
}

impl Store {
    /// The numbers of closed slots behind whose documents something may be missing. Where there can
    /// be no other node there are none: the engine takes a batch as a whole.
    pub async fn cut_off(&self) -> Result<Vec<CutOff>> {
        if !self.inner.is_shared {
            return Ok(Vec::new());
        }
        let rows = rows(self.inner.engine.as_ref()).await?.into_values();
        let cut_off = rows.filter(|row| row.closed && row.done < row.block_end);
        Ok(cut_off
            .map(|row| CutOff {
                w: row.w(),
                after: row.done as u64,
                upto: row.block_end as u64,
                row,
            })
            .collect())
    }

    /// Notes that everything that was missing is written. False: another node has noted it.
    pub async fn note_whole(&self, part: &CutOff) -> Result<bool> {
        let whole = part.row.next(|row| row.done = row.block_end);
        let noted = self.commit_one(part.row.replaced_by(&whole)?).await?;
        Ok(noted.is_applied())
    }
}
