//! A node takes a slot and leases numbers of it.

use super::{Steps, name};
use crate::document::{Doc, SlotRow, Status};
use crate::node::Slot;
use crate::state::State;

/// Slots are reused once they are closed, so that there need not be more.
const MOST_SLOTS: u8 = 4;

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    let node = &steps.from.nodes[i];
    if let Some(place) = node.lease {
        add_confirmed(steps, i, place);
    } else if steps.from.left.drafts > 0 {
        match &node.slot {
            None => add_slot(steps, i),
            Some(slot) if slot.next > slot.block_end => add_block(steps, i, slot),
            Some(_) => {}
        }
    }
}

/// Takes the first slot that is free.
fn add_slot(steps: &mut Steps<'_>, i: usize) {
    let (from, block) = (steps.from, steps.config.block);
    let is_free = |w: &u8| from.row(*w).is_none_or(|row| row.is_closed());
    let Some(w) = (1..=MOST_SLOTS).find(is_free) else {
        return;
    };
    let (epoch, last) = from.row(w).map_or((0, 0), |row| (row.epoch, row.block_end));
    let row = SlotRow {
        w,
        epoch: epoch + 1,
        status: Status::Owned,
        owner: from.nodes[i].owner(i),
        block_end: last + block,
    };
    let name = name(i);
    steps.add(
        || {
            let (first, last) = (last + 1, row.block_end);
            format!("{name} leases slot {w}, numbers {first}..{last}")
        },
        |next| lease(next, i, row),
    );
}

fn add_block(steps: &mut Steps<'_>, i: usize, slot: &Slot) {
    let (from, block) = (steps.from, steps.config.block);
    let owner = from.nodes[i].owner(i);
    let row = from.row(slot.w).filter(|row| row.belongs_to(owner));
    let name = name(i);
    let Some(row) = row else {
        steps.add(
            || format!("{name} finds its slot taken over"),
            |next| next.nodes[i].slot = None,
        );
        return;
    };
    let row = SlotRow {
        block_end: row.block_end + block,
        ..*row
    };
    steps.add(
        || format!("{name} leases another block of slot {}", row.w),
        |next| lease(next, i, row),
    );
}

fn lease(next: &mut State, i: usize, row: SlotRow) {
    next.nodes[i].lease = Some(next.end());
    next.log.push(Doc::Slot(row));
}

fn add_confirmed(steps: &mut Steps<'_>, i: usize, place: u8) {
    let (from, block) = (steps.from, steps.config.block);
    let row = from.log.get(usize::from(place)).and_then(Doc::slot);
    let Some(row) = row.filter(|_| from.is_committed(place)) else {
        return;
    };
    steps.add(
        || format!("{}'s lease of slot {} is acknowledged", name(i), row.w),
        |next| {
            let node = &mut next.nodes[i];
            let first = row.block_end - block + 1;
            node.lease = None;
            node.slot = Some(Slot {
                w: row.w,
                next: node.slot.as_ref().map_or(first, |slot| slot.next),
                block_end: row.block_end,
            });
        },
    );
}
