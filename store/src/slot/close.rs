//! Closing a slot that its owner left: every number that may have been drawn ends as one document.

use std::collections::HashSet;
use std::ops::Bound;

use bson::Bson;

use super::{MAX_OPS, SlotRow, filler, floor_of, greatest, stream_tables};
use crate::committer::Settler;
use crate::schema::{DATA, ROOM, data_filler_key, filler_key, is_filler};
use crate::store::position_of;
use crate::{Error, Key, Op, Position, Projection, Result, Scan, Table, Verdict};

/// How often numbers are looked for that neither a document nor a filler bears.
const LOOKS: usize = 10;

/// Closes a slot of another node. Whoever else is closing it loses; what it has done stays.
pub(crate) async fn close(settler: &Settler, row: &SlotRow) -> Result<()> {
    // From here on its owner leases nothing more.
    let taken = row.next(|row| {
        row.epoch += 1;
        row.closing = true;
    });
    if settler.settle_one(row.replaced_by(&taken)?).await? != Verdict::Applied {
        return Err(Error::SlotLost(row.w()));
    }
    let last = settle_all(settler, row).await?;
    let closed = taken.next(|row| {
        row.block_end = last as i64;
        row.closing = false;
        row.closed = true;
    });
    match settler.settle_one(taken.replaced_by(&closed)?).await? {
        Verdict::Applied => Ok(()),
        Verdict::Conflict { .. } | Verdict::NotReached => Err(Error::SlotLost(row.w())),
    }
}

/// Fills the numbers of a slot that have no document, up to the last that may have been drawn, which
/// is returned.
pub(super) async fn settle_all(settler: &Settler, row: &SlotRow) -> Result<u64> {
    let engine = settler.engine.as_ref();
    let floor = floor_of(engine, row.w()).await?;
    let (from, last) = if row.block_end == i64::MAX {
        // One node alone sends no command before the fillers of the one before it are durable, so
        // numbers can be missing from the last command only.
        let last = floor.max(greatest(engine, row.w()).await?);
        (last.saturating_sub(MAX_OPS as u64), last)
    } else {
        let published = row.cut.iter().find(|mark| mark.w == row.w());
        let last = floor.max(row.block_end as u64);
        (published.map_or(0, |mark| mark.s), last)
    };
    for _ in 0..LOOKS {
        let missing = missing(settler, row.w(), from, last).await?;
        if missing.is_empty() {
            return Ok(last);
        }
        // Whatever arrives late is refused from here on, or it is found below.
        lay(settler, DATA, data_filler_key, &missing).await?;
        let missing = self::missing(settler, row.w(), from, last).await?;
        lay(settler, ROOM, filler_key, &missing).await?;
    }
    Err(Error::Unavailable("numbers stay without a document".into()))
}

/// The table whose filler counts comes last: until then the number is open.
async fn lay(
    settler: &Settler,
    table: &'static Table,
    key: fn(Position) -> Key,
    missing: &[Position],
) -> Result<()> {
    for some in missing.chunks(MAX_OPS) {
        let fillers = some
            .iter()
            .map(|position| vec![filler(table, key(*position), *position)])
            .collect::<Vec<Vec<Op>>>();
        settler.settle(fillers.into()).await?;
    }
    Ok(())
}

/// The numbers after `from` up to `last` that no document bears which counts.
async fn missing(settler: &Settler, w: u16, from: u64, last: u64) -> Result<Vec<Position>> {
    let mut borne = HashSet::new();
    let bound = |s: u64| Bson::Int64(s as i64);
    for table in stream_tables() {
        let mut scan = Scan::index("ws", vec![Bson::Int64(w.into())])
            .between(Bound::Excluded(bound(from)), Bound::Included(bound(last)));
        scan.projection = Projection::Position;
        let found = settler
            .engine
            .scan_many(table, &[scan.resolve(table)?])
            .await?;
        for one in found.iter().flatten() {
            // A filler of `DATA` alone was left by a crash while closing: the number is open.
            if table != DATA || !is_filler(table, &one.key) {
                borne.insert(position_of(table, &one.doc)?.s);
            }
        }
    }
    let missing = (from + 1..=last).filter(|s| !borne.contains(s));
    Ok(missing.map(|s| Position { w, s }).collect())
}
