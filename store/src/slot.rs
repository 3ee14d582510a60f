//! Our writer slot: taking it, and closing what a crash left open.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

use crate::check::MAX_OPS;
use crate::committer::Settler;
use crate::schema::{
    DATA, META, ROOM, SCHEMA, TABLES, WRITERS, data_filler_key, filler_key, is_filler,
};
use crate::store::position_of;
use crate::{
    Engine, Error, Key, Op, Position, Projection, Result, Scan, Table, Verdict, from_raw, hash16,
    to_document,
};

/// The only slot of a first release: one node.
const SLOT: u16 = 1;

/// A slot that we write under.
pub(crate) struct Slot {
    pub(crate) w: u16,
    pub(crate) generation: u32,
    /// The greatest number that is settled.
    pub(crate) last: u64,
    row: Row,
}

/// The row of a slot in [`WRITERS`].
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    slot: i64,
    /// Raised by every new owner.
    epoch: i64,
    /// The last number that the owner may draw; without other nodes there is no bound.
    block_end: i64,
    /// Whether every number up to `block_end` is settled.
    closed: bool,
    v: i64,
}

/// The row `store` of [`META`].
#[derive(Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) schema: i64,
    pub(crate) generation: u32,
    /// Whether a restore has begun and not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restoring: Option<bool>,
}

/// A number below which none is drawn again, whatever the documents say.
#[derive(Serialize, Deserialize)]
struct Floor {
    s: i64,
}

impl Slot {
    /// Checks the schema, takes the slot, and fills the numbers that a crash left without a
    /// document.
    pub(crate) async fn take(settler: &Settler) -> Result<Self> {
        let engine = settler.engine.as_ref();
        let generation = check_schema(settler).await?;
        let row_before = read::<Row>(engine, WRITERS, row_key()).await?;
        let before = row_before.clone().unwrap_or(Row {
            slot: SLOT.into(),
            epoch: 0,
            block_end: 0,
            closed: true,
            v: 0,
        });
        let row = Row {
            epoch: before.epoch + 1,
            block_end: i64::MAX,
            closed: false,
            v: before.v + 1,
            ..before
        };
        let expected = row_before.map(|row| row.v);
        let doc = to_document(WRITERS, &row)?;
        let op = Op::PutIf {
            table: WRITERS,
            key: row_key(),
            expected,
            doc,
        };
        if settle_one(settler, op).await? != Verdict::Applied {
            return Err(Error::SlotLost(SLOT));
        }
        let mut last = read::<Floor>(engine, META, floor_key())
            .await?
            .map_or(0, |floor| floor.s);
        if before.closed {
            last = last.max(before.block_end);
        }
        let closed_to = if before.closed { last } else { 0 };
        for table in stream_tables() {
            last = last.max(greatest(engine, table).await?);
        }
        let slot = Self {
            w: SLOT,
            generation,
            last: last as u64,
            row,
        };
        if last > closed_to {
            slot.fill_gaps(settler).await?;
        }
        Ok(slot)
    }

    /// The generation and the end of a store that is only read.
    pub(crate) async fn look(engine: &dyn Engine) -> Result<(u32, Position)> {
        let about: Option<About> = read(engine, META, about_key()).await?;
        let about = about.ok_or_else(|| Error::Unsuitable("there is no store here".to_owned()))?;
        let generation = about.fitting()?;
        let mut last = 0;
        for table in stream_tables() {
            last = last.max(greatest(engine, table).await?);
        }
        let last = Position {
            w: SLOT,
            s: last as u64,
        };
        Ok((generation, last))
    }

    /// The operation that gives the slot back: everything up to `last` is settled.
    pub(crate) fn closing(&self, last: u64) -> Result<Op> {
        let expected = Some(self.row.v);
        let row = Row {
            block_end: last as i64,
            closed: true,
            v: self.row.v + 1,
            ..self.row.clone()
        };
        let doc = to_document(WRITERS, &row)?;
        Ok(Op::PutIf {
            table: WRITERS,
            key: row_key(),
            expected,
            doc,
        })
    }

    /// Numbers can be missing only from the last command: the next one is not sent before the
    /// fillers of the one before it are durable.
    async fn fill_gaps(&self, settler: &Settler) -> Result<()> {
        let from = self.last.saturating_sub(MAX_OPS as u64);
        let mut borne = HashSet::new();
        for table in stream_tables() {
            let mut scan = Scan::index("ws", vec![Bson::Int64(self.w.into())])
                .between(Bound::Excluded(Bson::Int64(from as i64)), Bound::Unbounded);
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
        let missing: Vec<Position> = (from + 1..=self.last)
            .filter(|s| !borne.contains(s))
            .map(|s| Position { w: self.w, s })
            .collect();
        // The table whose filler counts comes last: until then the number is open.
        for (table, key) in [
            (DATA, data_filler_key as fn(Position) -> Key),
            (ROOM, filler_key),
        ] {
            let fillers = missing
                .iter()
                .map(|position| vec![filler(table, key(*position), *position)]);
            settler.settle(fillers.collect()).await?;
        }
        Ok(())
    }
}

/// The operation that lets a document bear a number and nothing else.
pub(crate) fn filler(table: &'static Table, key: Key, position: Position) -> Op {
    let mut doc = Document::new();
    position.stamp(&mut doc);
    Op::Insert { table, key, doc }
}

/// The operation that keeps numbers up to `s` from being drawn again after their documents were
/// deleted.
pub(crate) fn floor(s: u64) -> Op {
    Op::Put {
        table: META,
        key: floor_key(),
        doc: doc! { "s": s as i64 },
    }
}

impl About {
    /// The generation, if this program knows the schema.
    fn fitting(&self) -> Result<u32> {
        if self.schema > SCHEMA {
            return Err(Error::Unsuitable(format!(
                "the store has schema {}, this program knows up to {SCHEMA}: use a newer program",
                self.schema
            )));
        }
        if self.restoring == Some(true) {
            let reason = "a restore into this store has not ended: empty it and restore again";
            return Err(Error::Unsuitable(reason.to_owned()));
        }
        Ok(self.generation)
    }
}

/// Marks a store as one that is being restored: nobody opens it.
pub(crate) fn begin_restore(about: &About) -> Result<Op> {
    let about = About {
        restoring: Some(true),
        ..*about
    };
    put_about(&about)
}

/// Makes a restored store one that can be opened.
pub(crate) fn end_restore(about: &About) -> Result<Op> {
    put_about(about)
}

/// Whether a document is the row `store`, which a restore writes itself.
pub(crate) fn is_about(table: &Table, key: &[u8]) -> bool {
    table == META && key == about_key()
}

fn put_about(about: &About) -> Result<Op> {
    Ok(Op::Put {
        table: META,
        key: about_key(),
        doc: to_document(META, about)?,
    })
}

async fn check_schema(settler: &Settler) -> Result<u32> {
    let key = about_key();
    let about = match read::<About>(settler.engine.as_ref(), META, key.clone()).await? {
        Some(about) => about,
        None => {
            let about = About {
                schema: SCHEMA,
                generation: 1,
                restoring: None,
            };
            let doc = to_document(META, &about)?;
            // If another process was faster, it wrote the same.
            settle_one(
                settler,
                Op::Insert {
                    table: META,
                    key,
                    doc,
                },
            )
            .await?;
            about
        }
    };
    about.fitting()
}

async fn greatest(engine: &dyn Engine, table: &'static Table) -> Result<i64> {
    let mut scan = Scan::index("ws", vec![Bson::Int64(SLOT.into())])
        .reverse()
        .limit(1);
    scan.projection = Projection::Position;
    let found = engine.scan_many(table, &[scan.resolve(table)?]).await?;
    match found.first().and_then(|stored| stored.first()) {
        Some(one) => Ok(position_of(table, &one.doc)?.s as i64),
        None => Ok(0),
    }
}

async fn read<T: serde::de::DeserializeOwned>(
    engine: &dyn Engine,
    table: &'static Table,
    key: Key,
) -> Result<Option<T>> {
    let found = engine
        .get_many(table, &[key], Projection::Full)
        .await?
        .pop()
        .flatten();
    found.map(|doc| from_raw(table, &doc)).transpose()
}

async fn settle_one(settler: &Settler, op: Op) -> Result<Verdict> {
    let settled = settler.settle(Arc::from([vec![op]])).await?;
    Ok(settled
        .into_iter()
        .flatten()
        .next()
        .unwrap_or(Verdict::NotReached))
}

fn stream_tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|table| table.is_stream())
}

/// The key of the row `store`.
pub(crate) fn about_key() -> Key {
    hash16(&[b"store"]).to_vec()
}

fn row_key() -> Key {
    u64::from(SLOT).to_be_bytes().to_vec()
}

fn floor_key() -> Key {
    hash16(&[b"floor", &SLOT.to_be_bytes()]).to_vec()
}
