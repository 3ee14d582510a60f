//! A node takes the answer to an entry: acknowledges it, sends it again, or gives it up.

use std::mem;

use super::number::refuse;
use super::{Steps, name};
use crate::config::Rules;
use crate::document::{Doc, Entry, ROOM_LOG};
use crate::node::{Answer, GONE, Head, Node, Pending};
use crate::state::{Ack, State};

/// What a client is told who is told of an entry that was rolled back: no entry stands there.
const NOWHERE: u8 = 99;

/// A pending entry of a node.
#[derive(Clone, Copy)]
struct Place {
    node: usize,
    index: usize,
    entry: Entry,
}

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    let pending = &steps.from.nodes[i].pending;
    for (index, one) in pending.iter().enumerate() {
        let entry = *one.entry();
        let is_before = |earlier: &Pending| earlier.entry().shares_room(&entry);
        if !pending[..index].iter().any(is_before) {
            let node = i;
            add(steps, Place { node, index, entry }, one.answer);
        }
    }
}

fn add(steps: &mut Steps<'_>, at: Place, answer: Answer) {
    let (from, rules) = (steps.from, &steps.config.rules);
    let is_shown = |place: u8| from.is_committed(place) || !rules.confirm;
    let is_gone = |place: u8| place == GONE && rules.confirm;
    let name = name(at.node);
    let Entry { room, n, tx, .. } = at.entry;
    match answer {
        Answer::Applied(place) if from.is_committed(place) || !rules.maj_ack => {
            let label = || format!("{name} acknowledges transaction {tx} at room {room} pos {n}");
            add_acknowledged(steps, at, label);
        }
        Answer::SameKey { is_mine: false, .. } => add_lost(steps, at),
        Answer::SameKey { place, .. } if is_gone(place) => {
            let label = || format!("{name}: duplicate was rolled back, sends again");
            add_again(steps, at, label);
        }
        Answer::SameKey { place, .. } if is_shown(place) => {
            let label = || format!("{name}: duplicate is mine, acknowledges {tx}");
            add_acknowledged(steps, at, label);
        }
        Answer::SamePosition(_) => add_closed(steps, at),
        Answer::SameTx(place) if is_gone(place) => {
            let label = || format!("{name}: duplicate transaction was rolled back, sends again");
            add_again(steps, at, label);
        }
        Answer::SameTx(place) if is_shown(place) => add_existing(steps, at, place),
        _ => {}
    }
}

fn add_acknowledged(steps: &mut Steps<'_>, at: Place, label: impl FnOnce() -> String) {
    steps.add(label, |next| {
        acknowledge(next, Ack::of(&at.entry));
        let end = next.end();
        let node = &mut next.nodes[at.node];
        node.pending.remove(at.index);
        if node.seen < end && !node.own.contains(&at.entry.position) {
            node.own.push(at.entry.position);
            node.own.sort();
        }
        if at.entry.collection == ROOM_LOG {
            node.heads[usize::from(at.entry.room)] = Some(Head::of(&at.entry));
        }
    });
}

fn acknowledge(next: &mut State, ack: Ack) {
    if !next.acked.contains(&ack) {
        next.acked.push(ack);
        next.acked.sort();
    }
}

fn add_again(steps: &mut Steps<'_>, at: Place, label: impl FnOnce() -> String) {
    steps.add(label, |next| {
        next.nodes[at.node].pending[at.index].answer = Answer::Unknown;
    });
}

fn add_lost(steps: &mut Steps<'_>, at: Place) {
    let rules = &steps.config.rules;
    let Entry { room, n, .. } = at.entry;
    let name = name(at.node);
    steps.add(
        || format!("{name}: position {n} of room {room} taken by another, forgets the room"),
        |next| give_up_room(&mut next.nodes[at.node], rules, room),
    );
}

fn give_up_room(node: &mut Node, rules: &Rules, room: u8) {
    let (void, left) = mem::take(&mut node.pending)
        .into_iter()
        .partition::<Vec<_>, _>(|pending| pending.entry().is_in(room));
    node.pending = left;
    for pending in void {
        refuse(node, rules, pending.entry());
    }
    node.heads[usize::from(room)] = None;
}

/// The number is taken. What was drafted later is given up too, because it may bear numbers of that
/// slot. The closer settles those; others are the node's own to settle.
fn add_closed(steps: &mut Steps<'_>, at: Place) {
    let rules = &steps.config.rules;
    let Entry { room, position, .. } = at.entry;
    let give_up = |next: &mut State| {
        let node = &mut next.nodes[at.node];
        for void in node.pending.split_off(at.index) {
            if rules.orphan && void.entry().position.w != position.w {
                refuse(node, rules, void.entry());
            }
        }
        if node.slot.as_ref().is_some_and(|slot| slot.w == position.w) {
            node.slot = None;
            node.lease = None;
            node.free.clear();
        }
        if at.entry.collection == ROOM_LOG {
            node.heads[usize::from(room)] = None;
        }
    };
    let name = name(at.node);
    steps.add(
        || format!("{name}: number {position:?} is taken, its slot was closed"),
        give_up,
    );
}

fn add_existing(steps: &mut Steps<'_>, at: Place, place: u8) {
    let (from, rules) = (steps.from, &steps.config.rules);
    let Entry { room, tx, .. } = at.entry;
    let existing = from.log.get(usize::from(place)).and_then(Doc::entry);
    let n = existing.map_or(NOWHERE, |existing| existing.n);
    let name = name(at.node);
    steps.add(
        || format!("{name}: transaction {tx} exists already, returns it"),
        |next| {
            give_up_room(&mut next.nodes[at.node], rules, room);
            acknowledge(next, Ack { tx, room, n });
        },
    );
}
