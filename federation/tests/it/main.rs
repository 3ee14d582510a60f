//! Servers that talk to each other over TLS on loopback.

mod authority;
mod hostile;
mod house;
mod listener;
mod outage;
mod restricted;
mod rooms;
