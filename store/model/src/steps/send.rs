//! A node sends what is pending, in one ordered command at a time, and may hear nothing of it.

use super::number::refuse;
use super::{Steps, name};
use crate::config::{Rules, Unknown};
use crate::document::{Doc, ROOM_LOG};
use crate::node::{Answer, Head, Node, Pending};
use crate::state::{Ack, Message};

/// More messages than that are not worth the search.
const MOST_MESSAGES: usize = 5;

pub(super) fn find(steps: &mut Steps<'_>, i: usize) {
    add_sent(steps, i);
    add_timeout(steps, i);
    if steps.config.rules.unk == Unknown::ReadBack {
        for (j, pending) in steps.from.nodes[i].pending.iter().enumerate() {
            if pending.answer == Answer::Unknown {
                add_read_back(steps, i, j);
            }
        }
    }
}

fn add_sent(steps: &mut Steps<'_>, i: usize) {
    let from = steps.from;
    let node = &from.nodes[i];
    let is_busy = node
        .pending
        .iter()
        .any(|pending| pending.answer == Answer::Awaited);
    let chosen = choose(node, &steps.config.rules);
    if is_busy || chosen.is_empty() || from.net.len() >= MOST_MESSAGES {
        return;
    }
    let docs: Vec<Doc> = chosen.iter().map(|j| node.pending[*j].doc).collect();
    steps.add(
        || format!("{} sends {docs:?}", name(i)),
        |next| {
            for j in chosen {
                next.nodes[i].pending[j].answer = Answer::Awaited;
            }
            next.post(Message {
                life: node.life,
                is_awaited: true,
                docs: docs.clone(),
            });
        },
    );
}

/// The places of what goes into the next command.
fn choose(node: &Node, rules: &Rules) -> Vec<usize> {
    let mut ready: Vec<usize> = (0..node.pending.len())
        .filter(|j| is_ready(node, rules, *j))
        .collect();
    if rules.chain {
        let all = ready.clone();
        ready.retain(|j| (0..*j).all(|k| all.contains(&k) || !shares_room(node, k, *j)));
    }
    ready
}

fn is_ready(node: &Node, rules: &Rules, j: usize) -> bool {
    match node.pending[j].answer {
        Answer::NotSent => true,
        Answer::Unknown => rules.unk == Unknown::SentAgain,
        // What stands behind a failed entry of its room fails with it.
        Answer::NotReached => {
            !(0..j).any(|k| shares_room(node, k, j) && node.pending[k].answer.is_refusal())
        }
        _ => false,
    }
}

fn shares_room(node: &Node, a: usize, b: usize) -> bool {
    let entry = |j: usize| node.pending[j].entry();
    entry(a).shares_room(entry(b))
}

fn add_timeout(steps: &mut Steps<'_>, i: usize) {
    let from = steps.from;
    let node = &from.nodes[i];
    let may_be_lost =
        |pending: &Pending| matches!(pending.answer, Answer::Awaited | Answer::Applied(_));
    if from.left.timeouts > 0 && node.pending.iter().any(may_be_lost) {
        steps.add(
            || format!("{} gets a network error (outcome unknown)", name(i)),
            |next| {
                next.left.timeouts -= 1;
                next.nodes[i].lose_answers();
                next.hang_up(node.life);
            },
        );
    }
}

/// The variant that takes what is not found for failed.
fn add_read_back(steps: &mut Steps<'_>, i: usize, j: usize) {
    let (from, rules) = (steps.from, &steps.config.rules);
    let doc = from.nodes[i].pending[j].doc;
    let entry = *from.nodes[i].pending[j].entry();
    let mut committed = from.committed().iter().filter_map(Doc::entry);
    if committed.any(|other| other.draft == entry.draft) {
        steps.add(
            || format!("{} reads back: found", name(i)),
            |next| {
                let node = &mut next.nodes[i];
                node.pending.remove(j);
                node.own.push(entry.position);
                if entry.collection == ROOM_LOG {
                    node.heads[usize::from(entry.room)] = Some(Head::of(&entry));
                }
                next.acked.push(Ack::of(&entry));
            },
        );
    } else {
        steps.add(
            || format!("{} reads back: not found, gives up {doc:?}", name(i)),
            |next| {
                let node = &mut next.nodes[i];
                node.pending.remove(j);
                node.heads[usize::from(entry.room)] = None;
                refuse(node, rules, &entry);
            },
        );
    }
}
