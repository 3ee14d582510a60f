//! What becomes of numbers whose drafts are void.

use super::{Steps, name};
use crate::config::{Refused, Rules};
use crate::document::{Beat, Doc, Entry, Filler, Position, ROOM_LOG};
use crate::node::{Node, Owed, Pending};

/// The draft is void; its number is not.
pub(super) fn refuse(node: &mut Node, rules: &Rules, entry: &Entry) {
    let position = entry.position;
    match rules.refused {
        Refused::Nothing => {}
        Refused::Filled | Refused::Told => {
            node.owed.push(Owed {
                position,
                collection: entry.collection,
            });
            node.owed.sort();
        }
        Refused::Reused => {
            if node.slot.as_ref().is_some_and(|slot| slot.w == position.w) {
                node.free.push(position.s);
            }
        }
    }
}

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    match steps.config.rules.refused {
        Refused::Nothing | Refused::Filled => {}
        Refused::Reused => add_given_up(steps, i),
        Refused::Told => return add_beat(steps, i),
    }
    let owed = &steps.from.nodes[i].owed;
    for (index, owed) in owed.iter().enumerate() {
        add_filler(steps, i, index, *owed);
    }
}

/// A number need not be drawn again.
fn add_given_up(steps: &mut Steps<'_>, i: usize) {
    let node = &steps.from.nodes[i];
    let (Some(slot), Some(&s)) = (&node.slot, node.free.first()) else {
        return;
    };
    let owed = Owed {
        position: Position { w: slot.w, s },
        collection: ROOM_LOG,
    };
    steps.add(
        || format!("{} gives number {s} up", name(i)),
        |next| {
            next.nodes[i].free.remove(0);
            next.nodes[i].owed.push(owed);
        },
    );
}

fn add_beat(steps: &mut Steps<'_>, i: usize) {
    let node = &steps.from.nodes[i];
    let Some(Owed { position, .. }) = node.owed.first().copied() else {
        return;
    };
    let is_before = |pending: &Pending| {
        let other = pending.entry().position;
        other.w == position.w && other.s < position.s
    };
    if node.pending.iter().any(is_before) {
        return;
    }
    let beat = Beat {
        w: position.w,
        settled: position.s,
    };
    let name = name(i);
    steps.add(
        || format!("{name}'s heartbeat: all numbers up to {position:?} are settled"),
        |next| {
            next.nodes[i].owed.remove(0);
            next.log.push(Doc::Beat(beat));
        },
    );
}

/// A filler is inserted until a majority has it.
fn add_filler(steps: &mut Steps<'_>, i: usize, index: usize, owed: Owed) {
    let from = steps.from;
    let Owed {
        position,
        collection,
    } = owed;
    match from.place_of(collection, position) {
        None => {
            let filler = Filler {
                collection,
                position,
                counts: true,
            };
            steps.add(
                || format!("{} inserts its own filler {position:?}", name(i)),
                |next| next.log.push(Doc::Filler(filler)),
            );
        }
        Some(place) if from.is_committed(place) => steps.add(
            || format!("{}: number {position:?} is settled", name(i)),
            |next| {
                next.nodes[i].owed.remove(index);
            },
        ),
        Some(_) => {}
    }
}
