//! What was committed between two cuts.

use std::ops::Bound;

use bson::{Bson, RawDocument};

use super::Store;
use crate::project::{integer, value_at};
use crate::ring::keep_last;
use crate::schema::{TABLES, is_filler};
use crate::{Change, Cut, Error, Position, Projection, Result, Scan, Table};

/// Entries read at once where the ring does not reach back.
const PAGE: usize = 5_000;

impl Store {
    /// What was committed after `since` and not after `upto`, in the order of writer and number.
    ///
    /// A document that was overwritten meanwhile is named once, at its last position between the
    /// two; if its present position lies after `upto`, it may be missing. Keep the distance
    /// bounded: beyond the last 100,000 changes this reads the whole stretch from the engine.
    pub async fn changes(&self, since: &Cut, upto: &Cut) -> Result<Vec<Change>> {
        let expected = self.inner.cut.borrow().generation();
        for cut in [since, upto] {
            if cut.generation() != expected {
                return Err(Error::OtherGeneration {
                    expected,
                    found: cut.generation(),
                });
            }
        }
        let mut changes = Vec::new();
        for end in upto.marks() {
            let start = Position {
                w: end.w,
                s: since.mark(end.w),
            };
            if start.s >= end.s {
                continue;
            }
            match self.inner.stream.between(start, end) {
                Some(found) => changes.extend(found),
                None => changes.extend(self.scan_changes(start, end).await?),
            }
        }
        Ok(changes)
    }

    async fn scan_changes(&self, start: Position, end: Position) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for table in TABLES.iter().copied().filter(|table| table.is_stream()) {
            let mut from = start;
            while from.s < end.s {
                let page = self.scan_page(table, from, end).await?;
                from = match page.last() {
                    Some(last) if page.len() == PAGE => last.position,
                    _ => end,
                };
                changes.extend(
                    page.into_iter()
                        .filter(|one| !is_filler(one.table, &one.key)),
                );
            }
        }
        changes.sort_by_key(|change| change.position);
        Ok(keep_last(changes))
    }

    async fn scan_page(
        &self,
        table: &'static Table,
        from: Position,
        end: Position,
    ) -> Result<Vec<Change>> {
        let bound = |s: u64| Bson::Int64(s as i64);
        let mut scan = Scan::index("ws", vec![Bson::Int64(from.w.into())])
            .between(
                Bound::Excluded(bound(from.s)),
                Bound::Included(bound(end.s)),
            )
            .limit(PAGE);
        scan.projection = Projection::Position;
        let page = self
            .inner
            .engine
            .scan_many(table, &[scan.resolve(table)?])
            .await?;
        let change = |one: crate::Stored| {
            let position = position_of(table, &one.doc)?;
            Ok(Change {
                position,
                table,
                key: one.key,
            })
        };
        page.into_iter().flatten().map(change).collect()
    }
}

/// The position that a document of a stream table carries.
pub(crate) fn position_of(table: &'static Table, doc: &RawDocument) -> Result<Position> {
    let field = |name| -> Result<Option<i64>> { Ok(value_at(table, doc, name)?.and_then(integer)) };
    position_from(field("w")?, field("s")?).ok_or_else(|| Error::malformed(table, "no position"))
}

/// The position that a document names as the one before it.
pub(crate) fn after_of(table: &'static Table, doc: &RawDocument) -> Result<Option<Position>> {
    let field = |name| -> Result<Option<i64>> { Ok(value_at(table, doc, name)?.and_then(integer)) };
    Ok(position_from(field("pw.w")?, field("pw.s")?))
}

/// The position that the fields `w` and `s` spell.
pub(crate) fn position_from(w: Option<i64>, s: Option<i64>) -> Option<Position> {
    Some(Position {
        w: u16::try_from(w?).ok()?,
        s: u64::try_from(s?).ok()?,
    })
}
