//! Rocket.Chat's REST and DDP APIs. This crate translates and decides nothing: what a call may do,
//! the same act over Matrix may do, and no more.
//!
//! To begin with: [`router`], [`RocketchatState`] and the module `map`, the only place where
//! Matrix shapes become Rocket.Chat shapes.

mod calls;
mod ddp;
mod dto;
mod error;
mod map;
mod rest;
mod routes;
mod state;

pub use routes::router;
pub use state::{RocketchatConfig, RocketchatState};
