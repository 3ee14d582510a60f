//! The use-cases over a real store: one server, nobody to federate with.

mod accounts;
mod aggregations;
mod feed;
mod harness;
mod memberships;
mod messages;
mod push;
mod rooms;
mod sync_property;
mod upgrades;
