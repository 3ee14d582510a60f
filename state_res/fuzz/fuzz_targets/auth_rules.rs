//! `cargo +stable fuzz run --sanitizer none auth_rules` in `state_res`: hostile events against the
//! authorization rules and the resolution of states made of them.

#![no_main]

#[path = "../drive.rs"]
mod drive;

libfuzzer_sys::fuzz_target!(|input: &[u8]| drive::drive(input));
