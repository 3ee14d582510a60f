//! Servers that talk to each other over TLS on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod authority;
mod hostile;
mod house;
mod liar;
mod listener;
mod moment;
mod notary;
mod omitted;
mod outage;
mod policy;
mod residents;
mod restricted;
mod rooms;
mod third_party;
