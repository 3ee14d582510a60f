//! Whether everything becomes visible once the faults are over.

use crate::checks::check;
use crate::config::{Budget, Config, Unknown};
use crate::cut::Cut;
use crate::document::{Doc, Entry, Status};
use crate::node::Node;
use crate::state::State;
use crate::steps::{Kind, Labels, Step, name, next_steps};

/// Far more than any model needs.
const MOST_STEPS: usize = 400;
/// Enough for every slot, and for each closing to be taken over.
const CLOSINGS: u8 = 8;

/// Runs on without faults, in one fair order: every node is alive, the database replicates, slots
/// of the dead are closed, and nothing else arrives late.
pub(crate) fn settle(state: &State, config: &Config) -> Result<(), String> {
    let mut state = state.clone();
    state.left = Budget {
        closings: CLOSINGS,
        ..Budget::NOTHING
    };
    state.net.retain(|message| message.is_awaited);
    for _ in 0..MOST_STEPS {
        let Some(next) = choose(&state, config) else {
            break;
        };
        check(&next, config).map_err(|failure| format!("(while settling) {failure}"))?;
        state = next;
    }
    (0..config.nodes).try_for_each(|i| check_settled(&state, config, i))
}

/// The state after the next step: nodes restart at once, and close slots when nothing else is left.
fn choose(state: &State, config: &Config) -> Option<State> {
    let mut steps = next_steps(state, config, Labels::LeftOut);
    steps.retain(|step| match step.kind {
        Kind::Takeover(w) => is_abandoned(state, w),
        Kind::Restart | Kind::Other => true,
    });
    let is_restart = |step: &Step| step.kind == Kind::Restart;
    let is_no_takeover = |step: &Step| !matches!(step.kind, Kind::Takeover(_));
    let first = steps.iter().position(is_restart);
    let first = first.or_else(|| steps.iter().position(is_no_takeover));
    (!steps.is_empty()).then(|| steps.swap_remove(first.unwrap_or(0)).next)
}

/// Whether nobody uses a slot, or its closing was begun.
fn is_abandoned(state: &State, w: u8) -> bool {
    let uses = |owner: u8, i: usize, node: &Node| {
        node.is_alive && node.owner(i) == owner && (node.slot.is_some() || node.lease.is_some())
    };
    state.row(w).is_some_and(|row| {
        let mut nodes = state.nodes.iter().enumerate();
        row.status == Status::Closing || !nodes.any(|(i, node)| uses(row.owner, i, node))
    })
}

fn check_settled(state: &State, config: &Config, i: usize) -> Result<(), String> {
    let node = &state.nodes[i];
    let cut = Cut::of(state, &config.rules, node);
    let is_hidden = |entry: &&Entry| !cut.covers(entry.position);
    let mut entries = state.committed().iter().filter_map(Doc::entry);
    if let Some(entry) = entries.find(is_hidden) {
        return Err(format!(
            "FROZEN: faults are over, cut of {} stays {cut:?}, entry {entry:?} is never visible; \
             log {:?}",
            name(i),
            state.log
        ));
    }
    if !node.pending.is_empty() && config.rules.unk == Unknown::SentAgain {
        return Err(format!(
            "STUCK: request pending for ever: {:?}",
            node.pending
        ));
    }
    if node.seen != state.end() {
        return Err(format!("settling did not finish: {node:?}"));
    }
    Ok(())
}
