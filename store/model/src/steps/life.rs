//! A node crashes, starts again, and follows the change stream.

use super::{Kind, Steps, name};
use crate::config::Config;
use crate::document::{Doc, SlotRow, Status};
use crate::node::{Node, Slot};
use crate::state::State;

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    let from = steps.from;
    let node = &from.nodes[i];
    if from.left.crashes > 0 {
        let rooms = steps.config.rooms;
        steps.add(
            || format!("{} CRASHES", name(i)),
            |next| {
                next.left.crashes -= 1;
                next.hang_up(node.life);
                next.nodes[i] = Node::new(rooms);
                next.nodes[i].is_alive = false;
            },
        );
    }
    if from.is_committed(node.seen) {
        let doc = &from.log[usize::from(node.seen)];
        steps.add(
            || format!("{}'s change stream delivers {doc:?}", name(i)),
            |next| {
                let node = &mut next.nodes[i];
                node.seen += 1;
                node.own.retain(|own| Some(*own) != doc.position());
            },
        );
    }
}

pub(super) fn find_restarts(steps: &mut Steps<'_>, i: usize) {
    let (from, config) = (steps.from, steps.config);
    steps.add_as(
        Kind::Restart,
        || format!("{} restarts (cut from a majority snapshot)", name(i)),
        |next| {
            restart(next, i);
            if config.rules.same_inc {
                next.nodes[i].slot = slot_of_last_life(from, config, i);
            }
        },
    );
    if from.left.stale_starts == 0 {
        return;
    }
    for read in 0..from.majority {
        let label = || {
            format!(
                "{} restarts, its snapshot (first {read} writes) is older than the start of its \
                 stream",
                name(i)
            )
        };
        steps.add_as(Kind::Restart, label, |next| {
            next.left.stale_starts -= 1;
            restart(next, i);
            next.nodes[i].missed = read..from.majority;
        });
    }
}

fn restart(next: &mut State, i: usize) {
    next.lives += 1;
    let node = &mut next.nodes[i];
    node.is_alive = true;
    node.life = next.lives;
    node.seen = next.majority;
}

/// The slot that bears the node's name, from the last number on that is known to be used.
fn slot_of_last_life(from: &State, config: &Config, i: usize) -> Option<Slot> {
    let is_own = |row: &&SlotRow| row.status == Status::Owned && Node::is_life_of(row.owner, i);
    let mut newest_first = from.committed().iter().rev().filter_map(Doc::slot);
    let row = newest_first.find(is_own)?;
    let positions = from.committed().iter().filter_map(Doc::position);
    let used = positions.filter(|position| position.w == row.w);
    let last = used.map(|position| position.s).max().unwrap_or(0);
    Some(Slot {
        w: row.w,
        next: last.max(row.block_end - config.block) + 1,
        block_end: row.block_end,
    })
}
