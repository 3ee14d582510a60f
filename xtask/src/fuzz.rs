//! The fuzz target of `state_res`, run by cargo-fuzz on the stable toolchain.

use std::ffi::OsString;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::layout::Layout;
use crate::shell;

const VERSION: &str = "0.13.2";
const SECONDS: u32 = 120;
const SECONDS_LONG: u32 = 3_600;

/// Runs the fuzz target, from the committed corpus on. What it finds stays in the target folder;
/// a panic is an error.
pub(crate) fn run(layout: &Layout, long: bool) -> Result<()> {
    install(layout)?;
    let found = layout.fuzz().join("corpus");
    fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let seconds = if long { SECONDS_LONG } else { SECONDS };
    let package = layout.root().join("state_res/fuzz");
    shell::run(
        Command::new("cargo")
            .current_dir(&package)
            .env("PATH", path(layout)?)
            .env_remove("CARGO_TARGET_DIR")
            .args(["fuzz", "run", "--sanitizer", "none", "--fuzz-dir"])
            .arg(&package)
            .arg("--target-dir")
            .arg(layout.fuzz().join("build"))
            .arg("auth_rules")
            .arg(&found)
            .arg(package.join("corpus/auth_rules"))
            .args(["--", "-print_final_stats=1", "-verbosity=0"])
            .arg(format!("-max_total_time={seconds}")),
    )
}

fn install(layout: &Layout) -> Result<()> {
    if layout.tools().join("bin/cargo-fuzz").is_file() {
        return Ok(());
    }
    shell::run(
        Command::new("cargo")
            .args(["install", "cargo-fuzz", "--locked", "--version", VERSION])
            .arg("--root")
            .arg(layout.tools()),
    )
}

/// The search path with our tools first.
fn path(layout: &Layout) -> Result<OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(layout.tools().join("bin")).chain(env::split_paths(&inherited));
    env::join_paths(folders).context("a folder of PATH cannot be named")
}
