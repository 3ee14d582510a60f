//! How much memory glibc's allocator sets aside for threads (ADR 0013).

use std::{env, os::unix::process::CommandExt as _, process::Command, thread};

/// Settings of glibc that say how many arenas there may be, in the environment of a process.
const SETTINGS: [&str; 2] = ["GLIBC_TUNABLES", "MALLOC_ARENA_MAX"];

/// Starts this process anew with one arena for each core, where glibc would make eight; it reads its
/// settings before a program begins, so there is no other way without unsafe code. To be called before
/// there are threads. Does nothing where somebody has chosen settings already: so does the process
/// that was started anew.
pub fn limit() {
    if !cfg!(target_env = "gnu") || SETTINGS.iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut anew = Command::new(program);
    let mut arguments = env::args_os();
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    anew.args(arguments);
    // Returns only where it failed; then things go on as glibc has it.
    let setting = format!("glibc.malloc.arena_max={cores}");
    let _failed = anew.env(SETTINGS[0], setting).exec();
}
