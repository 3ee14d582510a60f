//! The search of every state, breadth first, so that the trace to a violation is the shortest.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::checks::check;
use crate::config::Config;
use crate::settle::settle;
use crate::state::{State, hash};
use crate::steps::{Labels, next_steps};
use crate::trace;

/// Settling takes as long as hundreds of steps: it is tried from one state of so many, and from
/// fewer when there are many.
const SETTLED_OF: u64 = 4;
const SETTLED_OF_MANY: u64 = 64;
const MANY: usize = 200_000;

/// The states that are known, and those whose steps are not.
struct Search<'a> {
    config: &'a Config,
    most_states: usize,
    /// By hash the state and the number of the step that led to it.
    known: HashMap<u64, (u64, u16)>,
    queue: VecDeque<Found>,
    settled: u64,
}

struct Found {
    hash: u64,
    state: State,
    depth: u16,
}

/// Searches until a state is wrong, and tells the outcome.
pub(crate) fn search(name: &str, config: &Config, most_states: usize) {
    let start = trace::now();
    let mut search = Search::new(config, most_states);
    let mut depth = 0;
    while let Some(found) = search.queue.pop_front() {
        depth = found.depth;
        if let Err(failure) = search.check(&found) {
            search.tell(name, start, &found, &failure);
            return;
        }
        search.go_on(&found);
    }
    let states = search.known.len();
    let bound = if states >= most_states {
        "BOUND REACHED (not exhaustive)"
    } else {
        "exhaustive"
    };
    println!(
        "[{name}] ok: {states} states, depth {depth}, liveness checked from {}, {bound}, {:.0?}",
        search.settled,
        start.elapsed()
    );
}

impl<'a> Search<'a> {
    fn new(config: &'a Config, most_states: usize) -> Self {
        let state = State::first(config);
        let hash = hash(&state);
        let depth = 0;
        Self {
            config,
            most_states,
            known: HashMap::from([(hash, (0, 0))]),
            queue: VecDeque::from([Found { hash, state, depth }]),
            settled: 0,
        }
    }

    fn check(&mut self, found: &Found) -> Result<(), String> {
        check(&found.state, self.config)?;
        let of = if self.known.len() > MANY {
            SETTLED_OF_MANY
        } else {
            SETTLED_OF
        };
        if !self.config.rules.live || !found.hash.is_multiple_of(of) {
            return Ok(());
        }
        self.settled += 1;
        settle(&found.state, self.config)
    }

    fn go_on(&mut self, found: &Found) {
        if self.known.len() >= self.most_states {
            return;
        }
        let steps = next_steps(&found.state, self.config, Labels::LeftOut);
        for (number, step) in (0..).zip(steps) {
            let hash = hash(&step.next);
            if self.known.contains_key(&hash) {
                continue;
            }
            self.known.insert(hash, (found.hash, number));
            self.queue.push_back(Found {
                hash,
                state: step.next,
                depth: found.depth + 1,
            });
        }
    }

    fn tell(&self, name: &str, start: Instant, found: &Found, failure: &str) {
        println!(
            "[{name}] VIOLATION after {} states, depth {}, {:.0?}\n  {failure}",
            self.known.len(),
            found.depth,
            start.elapsed()
        );
        trace::tell(self.config, &self.way_to(found.hash));
    }

    /// The numbers of the steps from the first state.
    fn way_to(&self, mut hash: u64) -> Vec<usize> {
        let mut way = Vec::new();
        let first = crate::state::hash(&State::first(self.config));
        while hash != first {
            let (before, number) = self.known[&hash];
            way.push(number.into());
            hash = before;
        }
        way.reverse();
        way
    }
}
