//! A node closes the slot of another: takes it over, settles its numbers, marks it closed.

use super::{Kind, Steps, name};
use crate::config::Fillmode;
use crate::document::{Doc, Filler, Position, SlotRow, Status};
use crate::node::{Closing, Owed};

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    let from = steps.from;
    match &from.nodes[i].closing {
        None if from.left.closings > 0 => {
            for w in 1..=from.slots() {
                add_takeover(steps, i, w);
            }
        }
        None => {}
        Some(closing) if closing.is_taken => go_on(steps, i, closing),
        Some(closing) => add_taken(steps, i, closing),
    }
}

fn add_takeover(steps: &mut Steps<'_>, i: usize, w: u8) {
    let from = steps.from;
    let owner = from.nodes[i].owner(i);
    let is_open = |row: &&SlotRow| !row.is_closed() && row.owner != owner;
    let Some(row) = from.row(w).filter(is_open) else {
        return;
    };
    let taken = SlotRow {
        epoch: row.epoch + 1,
        status: Status::Closing,
        owner,
        ..*row
    };
    let upto = row.block_end;
    let label = || {
        format!(
            "{} takes slot {w} over to close it (numbers up to {upto})",
            name(i)
        )
    };
    steps.add_as(Kind::Takeover(w), label, |next| {
        next.left.closings -= 1;
        next.nodes[i].closing = Some(Closing::new(taken, next.end()));
        next.log.push(Doc::Slot(taken));
    });
}

fn add_taken(steps: &mut Steps<'_>, i: usize, closing: &Closing) {
    if steps.from.is_committed(closing.place) || !steps.config.rules.rollclose {
        let taken = closing.taken();
        steps.add(
            || format!("{}'s takeover of slot {} is acknowledged", name(i), taken.w),
            |next| next.nodes[i].closing = Some(taken.clone()),
        );
    }
}

fn go_on(steps: &mut Steps<'_>, i: usize, closing: &Closing) {
    let config = steps.config;
    let row = steps.from.row(closing.w);
    let is_mine = row.is_some_and(|row| row.epoch == closing.epoch);
    if !is_mine && config.rules.rollclose {
        steps.add(
            || format!("{} lost the closing of slot {}", name(i), closing.w),
            |next| next.nodes[i].closing = None,
        );
    }
    let collections = match config.rules.fillmode {
        Fillmode::First => 1,
        Fillmode::Any | Fillmode::Last => config.collections,
    };
    for s in 1..=closing.block_end {
        if let Some(collection) = closing.unsettled(s, collections) {
            let position = Position { w: closing.w, s };
            let number = Owed {
                position,
                collection,
            };
            settle(steps, i, number, collection + 1 == collections);
        }
    }
    if is_mine && closing.is_done(collections) {
        add_closed(steps, i, closing);
    }
}

/// Collections have their turns, each when the number is settled in the one before; readers look at
/// the last.
fn settle(steps: &mut Steps<'_>, i: usize, number: Owed, is_last: bool) {
    let (from, config) = (steps.from, steps.config);
    let Owed {
        position,
        collection,
    } = number;
    let name = name(i);
    let is_entry = |place: u8| from.log[usize::from(place)].entry().is_some();
    let mut places = (0..config.collections).filter_map(|other| from.place_of(other, position));
    if places.any(|place| from.is_committed(place) && is_entry(place)) {
        let label = || format!("{name}: number {position:?} is an entry");
        return add_settled(steps, i, number, label);
    }
    if !config.rules.fillers {
        let label = || format!("{name} skips filler {position:?}");
        return add_settled(steps, i, number, label);
    }
    let is_believed = |place: u8| !config.rules.verify && is_entry(place);
    match from.place_of(collection, position) {
        None => add_filler(steps, i, number, is_last),
        Some(place) if from.is_committed(place) || is_believed(place) => {
            let label = || format!("{name}: closing number {position:?} col {collection} exists");
            add_settled(steps, i, number, label);
        }
        Some(_) => {}
    }
}

fn add_settled(steps: &mut Steps<'_>, i: usize, number: Owed, label: impl FnOnce() -> String) {
    steps.add(label, |next| {
        if let Some(closing) = &mut next.nodes[i].closing {
            closing.settle(number.position.s, number.collection);
        }
    });
}

fn add_filler(steps: &mut Steps<'_>, i: usize, number: Owed, is_last: bool) {
    let rules = &steps.config.rules;
    let Owed {
        position,
        collection,
    } = number;
    let filler = Filler {
        collection,
        position,
        counts: !rules.by_final && (rules.fillmode != Fillmode::Last || is_last),
    };
    let name = name(i);
    steps.add(
        || format!("{name} inserts closing filler {position:?} col {collection}"),
        |next| next.log.push(Doc::Filler(filler)),
    );
}

fn add_closed(steps: &mut Steps<'_>, i: usize, closing: &Closing) {
    let (w, upto) = (closing.w, closing.block_end);
    let row = SlotRow {
        w,
        epoch: closing.epoch,
        status: Status::Closed,
        owner: 0,
        block_end: upto,
    };
    steps.add(
        || format!("{} publishes slot {w} closed at {upto}", name(i)),
        |next| {
            next.log.push(Doc::Slot(row));
            next.nodes[i].closing = None;
        },
    );
}
