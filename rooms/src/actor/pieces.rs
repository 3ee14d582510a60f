//! One batch in as many commands to the engine as it needs.

use std::collections::HashSet;

use gantry_store::{Batch, BatchOp, Op, Outcome, Position, Stamp};

use super::Actor;
use crate::Result;

/// Documents of one command.
const MAX_OPS: usize = 900;

impl Actor {
    /// Commits in pieces that one command of the engine can hold, each with a key at most once.
    /// What stands before the last log entry is harmless by itself.
    pub(super) async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(batch.ops.len());
        let mut last = None;
        for mut piece in pieces(batch) {
            if !outcomes.iter().all(Outcome::is_applied) {
                outcomes.extend(vec![Outcome::NotReached; piece.ops.len()]);
                continue;
            }
            chain_to(&mut piece, last);
            let applied = self.store.commit(piece).await?;
            last = applied.iter().rev().find_map(Outcome::position).or(last);
            outcomes.extend(applied);
        }
        Ok(outcomes)
    }
}

/// A batch in pieces: not too large, and no key twice in one.
fn pieces(batch: Batch) -> Vec<Batch> {
    let mut pieces = vec![Batch::new()];
    let mut keys = HashSet::new();
    for op in batch.ops {
        let place = (op.op.table().name, op.op.key().clone());
        let full = pieces
            .last()
            .is_some_and(|piece| piece.ops.len() >= MAX_OPS);
        if full || keys.contains(&place) {
            pieces.push(Batch::new());
            keys.clear();
        }
        keys.insert(place);
        if let Some(piece) = pieces.last_mut() {
            piece.ops.push(op);
        }
    }
    pieces
}

/// Tells the first entry of a piece what stands before it: the last one of the piece before.
fn chain_to(piece: &mut Batch, last: Option<Position>) {
    let Some(last) = last else { return };
    let first = piece.ops.iter_mut().find(|op| op.stamp != Stamp::None);
    if let Some(BatchOp {
        op: Op::Insert { doc, .. },
        stamp: Stamp::PositionAfterPrevious,
    }) = first
    {
        doc.insert("pw", last);
    }
}
