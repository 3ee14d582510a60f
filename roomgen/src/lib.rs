//! Rooms on demand: signed, valid events of any room version, from a few numbers.
//!
//! [`generate`] founds a room, lets members join, ban, restrict and rename each other, and splits it
//! into branches that know nothing of each other. The same parameters give the same bytes.
//!
//! ```
//! use gantry_roomgen::{Fork, Params, generate};
//!
//! let fork = Fork { profile_changes: 3, ..Fork::default() };
//! let room = generate(&Params { members: 10, forks: vec![fork.clone(), fork], ..Params::default() });
//! assert_eq!(room.forks.len(), 2);
//! ```

mod alone;
mod cast;
mod params;
mod script;
mod world;

pub use alone::message_in;
pub use cast::{Cast, key_of};
pub use params::{Fork, Merge, Params, Signing};
pub use script::{Generated, generate};
pub use world::{Branch, World};
