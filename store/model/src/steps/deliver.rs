//! The primary executes a message: whole or torn, once or again later.

use super::Steps;
use crate::config::{Config, Rules};
use crate::cut::Cut;
use crate::document::Doc;
use crate::node::Answer;
use crate::state::{Breach, Message, State};

/// How a message arrives.
#[derive(Clone, Copy)]
struct Arrival {
    /// Its place among the messages.
    index: usize,
    /// Whether it arrives once more later.
    is_copied: bool,
    /// How many of its documents are tried; the answer is lost unless all are.
    tried: usize,
}

pub(super) fn find(steps: &mut Steps<'_>) {
    let from = steps.from;
    for (index, message) in from.net.iter().enumerate() {
        if from.net[..index].contains(message) {
            continue;
        }
        let ways = [false, true].into_iter().flat_map(|is_copied| {
            (1..=message.docs.len()).map(move |tried| Arrival {
                index,
                is_copied,
                tried,
            })
        });
        for arrival in ways {
            let is_torn = arrival.tried < message.docs.len();
            let is_left = from.left.copies >= u8::from(arrival.is_copied)
                && from.left.tears >= u8::from(is_torn);
            if is_left {
                add(steps, arrival, is_torn);
            }
        }
    }
}

fn add(steps: &mut Steps<'_>, arrival: Arrival, is_torn: bool) {
    let (from, config) = (steps.from, steps.config);
    let message = &from.net[arrival.index];
    let label = || {
        let late = if message.is_awaited {
            ""
        } else {
            "LATE COPY of "
        };
        let torn = if is_torn {
            "a PREFIX (answer lost) of "
        } else {
            ""
        };
        format!("primary executes {late}{torn}{:?}", message.docs)
    };
    steps.add(label, |next| {
        take(next, message, arrival);
        next.left.tears -= u8::from(is_torn);
        let answers = execute(next, &config.rules, &message.docs, arrival.tried);
        if is_behind(from, config, &next.log[from.log.len()..]) {
            next.breach = Breach::Behind;
        }
        if message.is_awaited {
            answer(next, message, (!is_torn).then_some(answers.as_slice()));
        }
    });
}

fn take(next: &mut State, message: &Message, arrival: Arrival) {
    next.net.remove(arrival.index);
    if arrival.is_copied {
        next.left.copies -= 1;
        next.post(Message {
            is_awaited: false,
            ..message.clone()
        });
    }
}

/// An ordered command stops at the first refusal.
fn execute(next: &mut State, rules: &Rules, docs: &[Doc], tried: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for doc in &docs[..tried] {
        answers.push(next.insert(rules, *doc));
        if answers.last().is_some_and(|answer| answer.is_refusal()) {
            break;
        }
    }
    answers.resize(docs.len(), Answer::NotReached);
    answers
}

/// Whether a cut or a token has passed what is inserted now.
fn is_behind(from: &State, config: &Config, inserted: &[Doc]) -> bool {
    if inserted.is_empty() {
        return false;
    }
    let alive = from.nodes.iter().filter(|node| node.is_alive);
    let cuts: Vec<Cut> = alive
        .map(|node| Cut::of(from, &config.rules, node))
        .collect();
    let mut entries = inserted.iter().filter_map(Doc::entry);
    entries.any(|entry| {
        let mut passed = cuts.iter().chain(&from.tokens);
        passed.any(|cut| cut.covers(entry.position))
    })
}

/// Tells the sender, if it lives; without answers it learns that there are none.
fn answer(next: &mut State, message: &Message, answers: Option<&[Answer]>) {
    let nodes = next.nodes.iter_mut();
    for node in nodes.filter(|node| node.is_alive && node.life == message.life) {
        for pending in &mut node.pending {
            if pending.answer != Answer::Awaited {
                continue;
            }
            let index = message.docs.iter().position(|doc| *doc == pending.doc);
            match (answers, index) {
                (None, _) => pending.answer = Answer::Unknown,
                (Some(answers), Some(index)) => pending.answer = answers[index],
                (Some(_), None) => {}
            }
        }
    }
}
