//! Random walks, for bounds in which no search ends.

use std::collections::HashSet;
use std::time::Duration;

use crate::checks::check;
use crate::config::Config;
use crate::settle::settle;
use crate::state::{State, hash};
use crate::steps::{Labels, Step, next_steps};
use crate::trace;

/// Distinct states are counted up to here, for the sake of memory.
const MOST_SEEN: usize = 20_000_000;
/// Settling is tried after so many steps of a walk, and at its end.
const SETTLED_AFTER: usize = 16;

/// Where walks end.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) steps: usize,
    pub(crate) seed: u64,
}

/// All walks of a run.
struct Walks<'a> {
    config: &'a Config,
    random: Random,
    walks: u64,
    steps: u64,
    seen: HashSet<u64>,
    violations: u64,
    shortest: Option<Violation>,
}

struct Violation {
    failure: String,
    way: Vec<usize>,
}

/// Xorshift: the same walks for the same seed.
struct Random(u64);

/// Walks from the first state until the time is over, and tells the shortest way to a violation.
pub(crate) fn walk(name: &str, config: &Config, limits: &Limits) {
    let start = trace::now();
    let mut walks = Walks {
        config,
        random: Random(limits.seed | 1),
        walks: 0,
        steps: 0,
        seen: HashSet::new(),
        violations: 0,
        shortest: None,
    };
    while start.elapsed() < limits.time {
        walks.walk(limits.steps);
    }
    let (count, steps) = (walks.walks, walks.steps);
    let Some(Violation { failure, way }) = &walks.shortest else {
        let (seen, time) = (walks.seen.len(), start.elapsed());
        println!(
            "[{name}] walk ok: {count} runs, {steps} steps, {seen} distinct states, {time:.0?}"
        );
        return;
    };
    println!(
        "[{name}] VIOLATION in {} of {count} walks ({steps} steps), shortest {} steps\n  {failure}",
        walks.violations,
        way.len()
    );
    trace::tell(config, way);
}

impl Walks<'_> {
    /// Walks once, and no longer than the shortest way to a violation.
    fn walk(&mut self, most_steps: usize) {
        self.walks += 1;
        let shortest = self.shortest.as_ref();
        let most_steps = shortest.map_or(most_steps, |shortest| shortest.way.len());
        let mut way = Vec::new();
        let Err(failure) = self.go(most_steps, &mut way) else {
            return;
        };
        self.violations += 1;
        let shortest = self.shortest.as_ref();
        if shortest.is_none_or(|shortest| way.len() < shortest.way.len()) {
            self.shortest = Some(Violation { failure, way });
        }
    }

    fn go(&mut self, most_steps: usize, way: &mut Vec<usize>) -> Result<(), String> {
        let mut state = State::first(self.config);
        let lag = self.random.below(4);
        for count in 1..=most_steps {
            let mut steps = next_steps(&state, self.config, Labels::LeftOut);
            if steps.is_empty() {
                break;
            }
            let number = self.choose(&state, &steps, lag);
            state = steps.swap_remove(number).next;
            way.push(number);
            self.steps += 1;
            if self.seen.len() < MOST_SEEN {
                self.seen.insert(hash(&state));
            }
            check(&state, self.config)?;
            if count.is_multiple_of(SETTLED_AFTER) {
                self.settle(&state)?;
            }
        }
        self.settle(&state)
    }

    /// In a walk with a lag the database is more often ahead of its nodes.
    fn choose(&mut self, state: &State, steps: &[Step], lag: usize) -> usize {
        let is_of_database = |step: &Step| {
            step.next.majority != state.majority || step.next.log.len() != state.log.len()
        };
        let mut chosen = self.random.below(steps.len());
        for _ in 0..lag {
            let other = self.random.below(steps.len());
            if is_of_database(&steps[other]) {
                chosen = other;
            }
        }
        chosen
    }

    fn settle(&self, state: &State) -> Result<(), String> {
        if self.config.rules.live {
            settle(state, self.config)?;
        }
        Ok(())
    }
}

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
