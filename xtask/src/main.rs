//! Developer commands, called as `cargo xtask <command>`.

mod conformance;
mod fuzz;
mod layout;
mod model;
mod mongod;
mod peers;
mod shell;
mod system;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Gantry.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what the tests need and run every check that CI runs.
    Test(test::Options),
    /// Write the page that says what of the specification is there.
    Conformance(conformance::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Conformance(options) => conformance::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that `{:?}` adds: what failed is another program.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
