//! A client syncs on any node.

use super::{Steps, name};
use crate::cut::Cut;
use crate::document::{Doc, Position, ROOM_LOG};
use crate::node::Node;
use crate::state::{Breach, State};

/// A sync of one client.
struct Sync<'a> {
    client: usize,
    /// How far it was.
    since: &'a Cut,
    /// What the answer covers.
    upto: Cut,
    /// The next token.
    token: Cut,
}

pub(super) fn find(steps: &mut Steps<'_>) {
    let (from, rules) = (steps.from, &steps.config.rules);
    if from.left.syncs == 0 {
        return;
    }
    for (client, since) in from.tokens.iter().enumerate() {
        let nodes = from.nodes.iter().enumerate();
        for (i, node) in nodes.filter(|(_, node)| node.is_alive) {
            let cut = Cut::of(from, rules, node);
            let upto = since.max(&cut);
            let token = if rules.tokmax { upto.clone() } else { cut };
            if token == *since {
                continue;
            }
            let sync = Sync {
                client,
                since,
                upto,
                token,
            };
            add(steps, i, &sync);
        }
    }
}

/// The answer is read as early as may be, or from all that a majority has.
fn add(steps: &mut Steps<'_>, i: usize, sync: &Sync<'_>) {
    let from = steps.from;
    let earliest = if steps.config.rules.causal {
        basis(from, &from.nodes[i]).min(from.majority)
    } else {
        0
    };
    let mut views = vec![earliest, from.majority];
    views.dedup();
    for view in views {
        let Sync { client, token, .. } = sync;
        steps.add(
            || format!("client {client} syncs at {}: token {token:?}", name(i)),
            |next| answer(next, sync, &from.log[..usize::from(view)]),
        );
    }
}

/// How much of the log a node's cut was made from.
fn basis(from: &State, node: &Node) -> u8 {
    let place = |own: &Position| {
        let collections = [ROOM_LOG, ROOM_LOG + 1];
        let places = collections.map(|collection| from.place_of(collection, *own));
        places.into_iter().flatten().max()
    };
    let own = node.own.iter().filter_map(place).map(|place| place + 1);
    own.max().unwrap_or(0).max(node.seen)
}

fn answer(next: &mut State, sync: &Sync<'_>, view: &[Doc]) {
    next.left.syncs -= 1;
    let received = &mut next.received[sync.client];
    for entry in view.iter().filter_map(Doc::entry) {
        if !sync.upto.covers(entry.position) || sync.since.covers(entry.position) {
            continue;
        }
        if received.contains(&entry.draft) {
            next.breach = Breach::Twice;
        } else {
            received.push(entry.draft);
            received.sort_unstable();
        }
    }
    next.tokens[sync.client].clone_from(&sync.token);
}
