//! The model of the event log: searches in small bounds, then random walks in larger ones.

use std::process::Command;
use std::{env, fs};

use anyhow::{Result, ensure};

use crate::layout::Layout;
use crate::shell;

/// Bounds of the searches: faults, and how much is written.
const SEARCHES: [&str; 4] = [
    "rooms=1 txs=2 num=2 fo=1 close=0 crash=0 tmo=1",
    "rooms=1 txs=2 num=2 fo=0 close=0 crash=0 tmo=2 dup=1",
    "rooms=1 txs=1 num=2 blk=1 fo=1 close=1 crash=0 tmo=1",
    "rooms=1 txs=1 num=2 blk=1 fo=1 close=0 crash=1 tmo=0",
];

/// Bounds of the walks.
const WALKS: [&str; 3] = [
    "seed=101 nodes=2 fo=2 crash=1 close=2 tmo=3 dup=2 tear=1 num=8 txs=6 steps=250 clients=2 sync=8",
    "seed=102 nodes=3 blk=3 fo=2 crash=2 close=3 tmo=3 dup=2 tear=1 num=10 txs=8 steps=350 clients=2 sync=10",
    "seed=103 nodes=3 cols=2 fillmode=2 fo=2 crash=2 close=3 tmo=2 dup=2 tear=1 num=9 txs=7 steps=350 clients=2 sync=10",
];

/// States of one search at most, and seconds of one walk.
const MOST_STATES: &str = "max=9000000";
const SECONDS: &str = "secs=35";

/// Runs the model with all rules on; a violation is an error.
pub(crate) fn run(layout: &Layout) -> Result<()> {
    let package = layout.root().join("store/model");
    let target = layout.target().join("model");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    shell::run(
        Command::new(cargo)
            .current_dir(&package)
            .env("CARGO_TARGET_DIR", &target)
            .args(["build", "--release", "--locked"]),
    )?;
    fs::create_dir_all(&target)?;
    let program = target.join("release/gantry-log-model");
    let searches = SEARCHES.map(|bounds| ("bfs", MOST_STATES, bounds));
    let walks = WALKS.map(|bounds| ("walk", SECONDS, bounds));
    for (how, limit, bounds) in searches.into_iter().chain(walks) {
        let mut command = Command::new(&program);
        check(command.arg(how).arg(limit).args(bounds.split(' ')), 0)?;
    }
    // Three of its variants leave a rule out, and must be found to be wrong.
    check(Command::new("python3").arg(package.join("barrier.py")), 3)
}

/// Runs a program that tells of each violation, of which there must be so many.
fn check(command: &mut Command, violations: usize) -> Result<()> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    ensure!(output.status.success(), "{command:?} failed");
    let found = text.matches("VIOLATION").count();
    ensure!(found == violations, "{found} violations, not {violations}");
    Ok(())
}
