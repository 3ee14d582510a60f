//! A node loads rooms and drafts entries behind what it knows to be their last.

use super::{Steps, name};
use crate::document::{Doc, Entry, Position, ROOM_LOG};
use crate::log::entries_of;
use crate::node::{Answer, Head, Node, Pending};

/// A room without entries.
const EMPTY: Head = Head {
    n: 0,
    position: Position::NONE,
};

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    let from = steps.from;
    if from.left.drafts == 0 {
        return;
    }
    for room in 0..steps.config.rooms {
        add_load(steps, i, room);
    }
    let node = &from.nodes[i];
    let is_idle = node
        .pending
        .iter()
        .all(|pending| pending.answer == Answer::NotSent);
    if node.lease.is_none() && (is_idle || !steps.config.rules.oneatatime) {
        for tx in 1..=steps.config.txs {
            add_draft(steps, i, tx);
        }
    }
}

fn add_load(steps: &mut Steps<'_>, i: usize, room: u8) {
    let from = steps.from;
    let node = &from.nodes[i];
    if node.heads[usize::from(room)].is_some() || node.pending_in(room).next().is_some() {
        return;
    }
    let log = if steps.config.rules.maj_read {
        from.committed()
    } else {
        &from.log
    };
    let head = entries_of(log, room).next_back().map_or(EMPTY, Head::of);
    steps.add(
        || format!("{} loads room {room}: position {}", name(i), head.n),
        |next| next.nodes[i].heads[usize::from(room)] = Some(head),
    );
}

fn add_draft(steps: &mut Steps<'_>, i: usize, tx: u8) {
    let (from, config) = (steps.from, steps.config);
    let node = &from.nodes[i];
    let is_under_way = |pending: &Pending| pending.entry().tx == tx;
    if from.acked.iter().any(|ack| ack.tx == tx) || node.pending.iter().any(is_under_way) {
        return;
    }
    let is_of_room = config.collections != 2 || tx != config.txs;
    let room = (tx - 1) % config.rooms;
    let head = if is_of_room {
        head(node, room)
    } else {
        is_unheard_of(steps, tx).then_some(EMPTY)
    };
    let (Some(head), Some(position)) = (head, number(node)) else {
        return;
    };
    let entry = Entry {
        collection: if is_of_room { ROOM_LOG } else { ROOM_LOG + 1 },
        room,
        n: if is_of_room { head.n + 1 } else { 0 },
        tx,
        draft: from.drafts + 1,
        position,
        pw: head.position,
    };
    add(steps, i, entry);
}

fn add(steps: &mut Steps<'_>, i: usize, entry: Entry) {
    let doc = Doc::Entry(entry);
    steps.add(
        || format!("{} drafts {doc:?}", name(i)),
        |next| {
            next.left.drafts -= 1;
            next.drafts = entry.draft;
            let node = &mut next.nodes[i];
            if !node.free.is_empty() {
                node.free.remove(0);
            } else if let Some(slot) = &mut node.slot {
                slot.next += 1;
            }
            let answer = Answer::NotSent;
            node.pending.push(Pending { doc, answer });
        },
    );
}

/// What the next draft of a room stands behind: what waits to be sent with it, or what is known to
/// be the last. `None`: nothing is known.
fn head(node: &Node, room: u8) -> Option<Head> {
    match node.pending_in(room).next_back() {
        Some(last) => (last.answer == Answer::NotSent).then(|| Head::of(last.entry())),
        None => node.heads[usize::from(room)],
    }
}

/// The number of the next draft, if one is leased.
fn number(node: &Node) -> Option<Position> {
    let slot = node.slot.as_ref()?;
    let next = (slot.next <= slot.block_end).then_some(slot.next);
    let s = node.free.first().copied().or(next)?;
    Some(Position { w: slot.w, s })
}

/// Outside of rooms there is no `{rid, tx}` that would refuse a second draft, so that only one node
/// is asked.
fn is_unheard_of(steps: &Steps<'_>, tx: u8) -> bool {
    let sent = steps.from.net.iter().flat_map(|message| &message.docs);
    let mut entries = steps.from.log.iter().chain(sent).filter_map(Doc::entry);
    !entries.any(|entry| entry.tx == tx)
}
