//! Servers that talk to each other over TLS on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authority;
mod hostile;
mod house;
mod listener;
mod moment;
mod notary;
mod outage;
mod residents;
mod restricted;
mod rooms;
mod third_party;
