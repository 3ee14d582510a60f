//! The room engine on a real store in a temporary folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounded;
mod check;
mod erasure;
mod forks;
mod house;
mod large;
mod log;
mod nodes;
mod partial;
mod power;
mod projections;
mod story;
mod timeline;
