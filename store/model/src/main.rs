//! The event log on several nodes, as a model of explicit states; see the README beside it.

mod arguments;
mod checks;
mod config;
mod cut;
mod document;
mod log;
mod node;
mod search;
mod settle;
mod state;
mod steps;
mod trace;
mod walk;

use std::process::ExitCode;

use arguments::{Arguments, How};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Arguments::parse(&words) {
        Ok(arguments) => {
            run(&arguments);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A violation is told and is no failure of the run: whoever calls it counts them.
fn run(arguments: &Arguments) {
    let (name, config) = (&arguments.name, &arguments.config);
    match arguments.how {
        How::Search => search::search(name, config, arguments.most_states),
        How::Walk => walk::walk(name, config, &arguments.limits),
    }
}
