//! How a state came to be, in words.

use std::time::Instant;

use crate::config::Config;
use crate::state::State;
use crate::steps::{Labels, next_steps};

/// Goes the way again that these numbers of steps are, and tells each step.
pub(crate) fn tell(config: &Config, way: &[usize]) {
    let mut state = State::first(config);
    for number in way {
        let step = next_steps(&state, config, Labels::Written).swap_remove(*number);
        println!("    - {}", step.label);
        state = step.next;
    }
}

/// When a run begins.
pub(crate) fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a run takes is told, and nothing in the model depends on it"
    )]
    Instant::now()
}
