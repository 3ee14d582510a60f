//! Servers that talk to each other over TLS on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authority;
mod hostile;
mod house;
mod listener;
mod outage;
mod restricted;
mod rooms;
