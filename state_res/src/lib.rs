//! Authorization rules and state resolution of all room versions.
//!
//! Everything here is a pure function over events that are already in memory: no I/O, no async, no
//! clock. Events of a room are known by dense numbers ([`Rn`]), pairs of type and state key by
//! others ([`Skid`]), and a state is a persistent map from the one to the other ([`StateMap`]).
//!
//! - [`auth`] decides whether an event is allowed;
//! - [`power`] reads power levels;
//! - [`resolve()`] merges the states of a fork, and [`explain()`] says how a key came to its event.
//!
//! The crate knows nothing of storage, of previous events or of who may see what.

pub mod auth;
mod dag;
mod event;
mod memory;
pub mod power;
mod rejection;
pub mod resolve;
mod view;

pub use dag::AuthDag;
pub use event::{AuthEvent, EventSource};
pub use memory::{MemoryError, MemoryRoom};
pub use power::PowerLevels;
pub use rejection::Rejection;
pub use resolve::{
    Resolution, ResolutionCache, StateReset,
    explain::{Explanation, explain},
    resolve,
};
pub use view::Membership;

/// The number of a state event in its room. An event has a larger number than every event that
/// authorizes it: numbers follow the order of persisting.
pub type Rn = u32;

/// The number of a pair of event type and state key in its room.
pub type Skid = u32;

/// A state of a room. Clones are cheap and share structure, and maps that grew out of each other
/// are compared without a look at what they share.
pub type StateMap = imbl::OrdMap<Skid, Rn>;
