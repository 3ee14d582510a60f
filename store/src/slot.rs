//! Writer slots: who draws which numbers. See `docs/STORAGE.md`, "Several nodes".

mod close;
mod replay;

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

pub(crate) use self::close::close;
pub use self::replay::CutOff;
use crate::check::MAX_OPS;
use crate::committer::Settler;
use crate::freshness::Freshness;
use crate::parts::Owner;
use crate::schema::{META, TABLES, WRITERS};
use crate::store::{position_of, read_all, read_one};
use crate::{
    Engine, Error, Key, Op, Position, Projection, Result, Scan, Table, Verdict, hash16, to_document,
};

/// Numbers that are leased at once where there can be other nodes.
const BLOCK: u64 = 256;
/// How often a slot is looked for when others are faster.
const TRIES: usize = 20;

/// A slot that we write under.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The greatest number that is settled.
    pub(crate) last: u64,
    row: SlotRow,
    is_shared: bool,
}

/// The row of a slot in [`WRITERS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SlotRow {
    slot: i64,
    /// Who owns it, or owned it last.
    #[serde(default)]
    pub(crate) node: String,
    /// Raised by every new owner, and by whoever closes it.
    epoch: i64,
    /// The last number that may have been drawn; [`i64::MAX`]: there is no bound, because there was
    /// no other node.
    block_end: i64,
    /// Whether another node is closing it.
    #[serde(default)]
    closing: bool,
    /// Whether every number up to `block_end` is settled.
    pub(crate) closed: bool,
    /// What the owner had seen of all writers at its last heartbeat.
    #[serde(default)]
    pub(crate) cut: Vec<Position>,
    /// The number up to which all batches are whole: what stands behind an entry in its batch is
    /// written, too.
    #[serde(default)]
    done: i64,
    v: i64,
}

/// A number below which none is drawn again, whatever the documents say.
#[derive(Serialize, Deserialize)]
struct Floor {
    s: i64,
}

impl SlotRow {
    /// The slot's number.
    pub(crate) fn w(&self) -> u16 {
        u16::try_from(self.slot).unwrap_or(0)
    }

    /// The version, which changes with every heartbeat.
    pub(crate) fn version(&self) -> i64 {
        self.v
    }

    /// Whether it is in use.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed && !self.closing
    }

    /// Whether it is in use by a node of this name.
    pub(crate) fn belongs_to(&self, node: &str) -> bool {
        self.node == node && self.is_open()
    }

    /// Who has it, or had it last.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            slot: self.slot,
            epoch: self.epoch,
        }
    }

    /// The marks of the cut that the owner published: they hold whatever else is found.
    pub(crate) fn published(&self) -> impl Iterator<Item = Position> + '_ {
        self.cut.iter().copied()
    }

    /// The last number that may have been drawn.
    pub(crate) fn end(&self) -> Position {
        Position {
            w: self.w(),
            s: self.block_end as u64,
        }
    }

    /// The row that replaces this one.
    fn next(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.v += 1;
        next
    }

    /// The operation that replaces `self` by `next`.
    fn replaced_by(&self, next: &Self) -> Result<Op> {
        Ok(Op::PutIf {
            table: WRITERS,
            key: row_key(self.w()),
            expected: (self.v > 0).then_some(self.v),
            doc: to_document(WRITERS, next)?,
        })
    }
}

/// All slots.
pub(crate) async fn rows(engine: &dyn Engine) -> Result<BTreeMap<u16, SlotRow>> {
    let rows = read_all::<SlotRow>(engine, WRITERS).await?;
    Ok(rows.into_iter().map(|row| (row.w(), row)).collect())
}

impl Slot {
    /// Takes a slot for a node: the one that it gave back, or one that nobody uses. What a crash of
    /// this node left open is closed first; where there can be no other node, all slots are.
    pub(crate) async fn take(settler: &Settler, node: &str, is_shared: bool) -> Result<Self> {
        for _ in 0..TRIES {
            let rows = rows(settler.engine.as_ref()).await?;
            let is_left = |row: &&SlotRow| !row.closed && (row.node == node) == is_shared;
            if let Some(left) = rows.values().find(is_left) {
                match close(settler, left).await {
                    // It has moved meanwhile.
                    Ok(()) | Err(Error::SlotLost(_)) => continue,
                    Err(failure) => return Err(failure),
                }
            }
            let before = choose(&rows, node, is_shared)?;
            if let Some(slot) = Self::try_take(settler, &before, node, is_shared).await? {
                return Ok(slot);
            }
        }
        Err(Error::SlotLost(0))
    }

    /// `None`: somebody else was faster.
    async fn try_take(
        settler: &Settler,
        before: &SlotRow,
        node: &str,
        is_shared: bool,
    ) -> Result<Option<Self>> {
        // From here on the last owner leases nothing more.
        let mut row = before.next(|row| {
            node.clone_into(&mut row.node);
            row.epoch += 1;
            row.closing = false;
            row.closed = false;
            if !is_shared {
                row.block_end = i64::MAX;
            }
        });
        if settler.settle_one(before.replaced_by(&row)?).await? != Verdict::Applied {
            return Ok(None);
        }
        let last = if before.closed {
            let floor = floor_of(settler.engine.as_ref(), before.w()).await?;
            floor.max(before.block_end as u64)
        } else {
            close::settle_all(settler, before).await?
        };
        if is_shared {
            let taken = row.clone();
            row = taken.next(|row| row.block_end = last as i64);
            if settler.settle_one(taken.replaced_by(&row)?).await? != Verdict::Applied {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            last,
            row,
            is_shared,
        }))
    }

    /// The slot's number.
    pub(crate) fn w(&self) -> u16 {
        self.row.w()
    }

    /// Whether there can be other nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Leases more numbers, unless `count` after `last` are leased.
    pub(crate) async fn lease(&mut self, settler: &Settler, last: u64, count: u64) -> Result<()> {
        let needed = last + count;
        if !self.is_shared || needed <= self.row.block_end as u64 {
            return Ok(());
        }
        self.change(settler, |row| row.block_end = (needed + BLOCK) as i64)
            .await
    }

    /// Tells the others that we are there, and what we have seen.
    /// Everything up to `done` is settled.
    pub(crate) async fn beat(
        &mut self,
        settler: &Settler,
        cut: Vec<Position>,
        done: u64,
        freshness: &Freshness,
    ) -> Result<()> {
        freshness.sending(self.w(), self.row.v + 1);
        self.change(settler, |row| {
            row.cut = cut;
            row.done = done as i64;
        })
        .await
    }

    /// Gives the slot back: everything up to `last` is settled.
    pub(crate) async fn give_back(&mut self, settler: &Settler, last: u64) -> Result<()> {
        self.change(settler, |row| {
            row.block_end = last as i64;
            row.done = last as i64;
            row.closed = true;
        })
        .await
    }

    async fn change(&mut self, settler: &Settler, to: impl FnOnce(&mut SlotRow)) -> Result<()> {
        let next = self.row.next(to);
        match settler.settle_one(self.row.replaced_by(&next)?).await? {
            Verdict::Applied => {
                self.row = next;
                Ok(())
            }
            Verdict::Conflict { .. } | Verdict::NotReached => Err(Error::SlotLost(self.w())),
        }
    }
}

/// The slot that a node had, one that was given back whole, or a new one.
fn choose(rows: &BTreeMap<u16, SlotRow>, node: &str, is_shared: bool) -> Result<SlotRow> {
    let is_free = |row: &&SlotRow| row.closed && row.done == row.block_end || !is_shared;
    let own = rows.values().find(|row| row.node == node && is_free(row));
    let free = || rows.values().find(is_free);
    if let Some(row) = own.or_else(free) {
        return Ok(row.clone());
    }
    let w = rows
        .keys()
        .next_back()
        .map_or(Some(1), |w| w.checked_add(1));
    let w = w.ok_or_else(|| Error::Unsuitable("there are too many nodes".to_owned()))?;
    Ok(SlotRow {
        slot: w.into(),
        node: String::new(),
        epoch: 0,
        block_end: 0,
        closing: false,
        closed: true,
        cut: Vec::new(),
        done: 0,
        v: 0,
    })
}

/// The operation that lets a document bear a number and nothing else.
pub(crate) fn filler(table: &'static Table, key: Key, position: Position) -> Op {
    let mut doc = Document::new();
    position.stamp(&mut doc);
    Op::Insert { table, key, doc }
}

/// The operation that keeps numbers up to a position from being drawn again after their documents
/// were deleted.
pub(crate) fn floor(upto: Position) -> Op {
    Op::Put {
        table: META,
        key: floor_key(upto.w),
        doc: doc! { "s": upto.s as i64 },
    }
}

async fn floor_of(engine: &dyn Engine, w: u16) -> Result<u64> {
    let floor = read_one::<Floor>(engine, META, floor_key(w)).await?;
    Ok(floor.map_or(0, |floor| floor.s as u64))
}

/// The greatest number of a slot that a document bears.
async fn greatest(engine: &dyn Engine, w: u16) -> Result<u64> {
    let mut greatest = 0;
    for table in stream_tables() {
        let mut scan = Scan::index("ws", vec![Bson::Int64(w.into())])
            .reverse()
            .limit(1);
        scan.projection = Projection::Position;
        let found = engine.scan_many(table, &[scan.resolve(table)?]).await?;
        for one in found.iter().flatten() {
            greatest = greatest.max(position_of(table, &one.doc)?.s);
        }
    }
    Ok(greatest)
}

/// The tables whose documents have positions.
pub(crate) fn stream_tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().filter(|table| table.is_stream())
}

fn row_key(w: u16) -> Key {
    u64::from(w).to_be_bytes().to_vec()
}

fn floor_key(w: u16) -> Key {
    hash16(&[b"floor", &w.to_be_bytes()]).to_vec()
}
