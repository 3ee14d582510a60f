//! The index over real rooms.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod damage;
mod house;
mod languages;
mod projection;
