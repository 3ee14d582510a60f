//! Everything that may happen next. What is not scheduled stands still, so a pause needs no state.

mod answer;
mod close;
mod database;
mod deliver;
mod draft;
mod lease;
mod life;
mod number;
mod send;
mod sync;

use crate::config::Config;
use crate::state::State;

/// One thing that may happen.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    /// What happens, for a trace.
    pub(crate) label: String,
    pub(crate) next: State,
}

/// What a fair order of steps tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Restart,
    /// A node begins to close this slot.
    Takeover(u8),
    Other,
}

/// Whether steps are described, which takes longer than to find them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    Written,
    LeftOut,
}

/// The steps from one state, in a fixed order: a trace is a list of their numbers.
#[derive(Debug)]
struct Steps<'a> {
    from: &'a State,
    config: &'a Config,
    labels: Labels,
    found: Vec<Step>,
}

/// Every step from a state.
pub(crate) fn next_steps(from: &State, config: &Config, labels: Labels) -> Vec<Step> {
    let mut steps = Steps {
        from,
        config,
        labels,
        found: Vec::new(),
    };
    database::find(&mut steps);
    deliver::find(&mut steps);
    for (i, node) in from.nodes.iter().enumerate() {
        if node.is_alive {
            find_of_node(&mut steps, i);
        } else {
            life::find_restarts(&mut steps, i);
        }
    }
    sync::find(&mut steps);
    steps.found
}

fn find_of_node(steps: &mut Steps<'_>, i: usize) {
    life::find(steps, i);
    lease::find(steps, i);
    draft::find(steps, i);
    send::find(steps, i);
    answer::find(steps, i);
    number::find(steps, i);
    close::find(steps, i);
}

/// What a trace calls the node with this index.
pub(crate) fn name(i: usize) -> char {
    char::from(b'A' + i as u8)
}

impl Steps<'_> {
    /// Adds the step that `change` makes of the state.
    fn add(&mut self, label: impl FnOnce() -> String, change: impl FnOnce(&mut State)) {
        self.add_as(Kind::Other, label, change);
    }

    fn add_as(
        &mut self,
        kind: Kind,
        label: impl FnOnce() -> String,
        change: impl FnOnce(&mut State),
    ) {
        let mut next = self.from.clone();
        change(&mut next);
        let label = match self.labels {
            Labels::Written => label(),
            Labels::LeftOut => String::new(),
        };
        self.found.push(Step { kind, label, next });
    }
}
