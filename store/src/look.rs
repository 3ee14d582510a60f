//! Reading what is stored, where no feed has told of it.

use std::ops::Bound;

use bson::Bson;

use crate::ring::Change;
use crate::schema::{DATA, is_filler};
use crate::slot::{SlotRow, rows, stream_tables};
use crate::store::{after_of, position_of};
use crate::stream::{Arrived, Stream};
use crate::{Engine, Key, Position, Projection, Result, Scan, Stored, Table};

/// Documents of one page.
const PAGE: usize = 5_000;

/// Reads the slots, and the documents beyond what a stream has. `own` is the node whose slot was
/// taken just now, and nothing written in it.
///
/// That a slot is closed says that its numbers are settled, not that what they follow in their rooms
/// is: only where nobody writes, the ends of all slots are a cut.
pub(crate) async fn look(
    engine: &dyn Engine,
    stream: &Stream,
    own: Option<&str>,
) -> Result<Vec<SlotRow>> {
    let rows: Vec<SlotRow> = rows(engine).await?.into_values().collect();
    stream.adopt(rows.iter().flat_map(SlotRow::published));
    let is_still = |row: &SlotRow| row.closed || own == Some(row.node.as_str());
    if rows.iter().all(is_still) {
        stream.adopt(rows.iter().map(SlotRow::end));
    }
    for row in &rows {
        let from = Position {
            w: row.w(),
            s: stream.cut().mark(row.w()),
        };
        if from.s < row.end().s {
            for table in stream_tables() {
                read_slot(engine, stream, table, from).await?;
            }
        }
    }
    Ok(rows)
}

/// Reads the documents of a slot behind a position.
async fn read_slot(
    engine: &dyn Engine,
    stream: &Stream,
    table: &'static Table,
    mut from: Position,
) -> Result<()> {
    loop {
        let mut scan = Scan::index("ws", vec![Bson::Int64(from.w.into())])
            .between(
                Bound::Excluded(Bson::Int64(from.s as i64)),
                Bound::Unbounded,
            )
            .limit(PAGE);
        scan.projection = Projection::Position;
        let found = engine.scan_many(table, &[scan.resolve(table)?]).await?;
        let page: Vec<Stored> = found.into_iter().flatten().collect();
        let is_last = page.len() < PAGE;
        for one in page {
            from = position_of(table, &one.doc)?;
            let after = after_of(table, &one.doc)?;
            stream.arrive(arrived(table, one.key, from, after));
        }
        if is_last {
            return Ok(());
        }
    }
}

/// A document as the stream takes it in. A filler of [`DATA`] only keeps late writes out.
pub(crate) fn arrived(
    table: &'static Table,
    key: Key,
    position: Position,
    after: Option<Position>,
) -> Option<Arrived> {
    let is_filler = is_filler(table, &key);
    if is_filler && table == DATA {
        return None;
    }
    let change = Change {
        position,
        table,
        key,
    };
    Some(Arrived {
        position,
        change: (!is_filler).then_some(change),
        after,
    })
}
