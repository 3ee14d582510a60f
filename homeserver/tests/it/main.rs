//! The use-cases over a real store: one server, nobody to federate with.

mod accounts;
mod aggregations;
mod feed;
mod harness;
mod memberships;
mod messages;
mod proposals;
mod push;
mod rooms;
mod round_trips;
mod sync_property;
mod upgrades;
