//! State resolution.
//!
//! Specification: version 1 of the algorithm is
//! <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>, version 2
//! <https://spec.matrix.org/v1.19/rooms/v2/#state-resolution>, and version 2.1
//! <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>.
//!
//! The result depends on the states as a set: neither their order nor the numbering of events and
//! keys makes a difference.

mod audit;
mod auth_chain;
mod auth_difference;
mod cache;
pub mod explain;
mod mainline;
mod partial;
mod power_order;
mod split;
mod subgraph;
mod v1;
mod v2;

use gantry_model::{RoomVersionRules, room_version::StateResolution};

pub use self::cache::ResolutionCache;
use self::{explain::Log, split::Split};
use crate::{EventSource, Rn, Skid, StateMap};

/// What came out of a resolution.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// The resolved state.
    pub state: StateMap,
    /// Keys that went back to an event that none of the states had, or lost theirs. Such a thing is
    /// legitimate now and then, and worth an alarm always.
    pub resets: Vec<StateReset>,
}

/// A key whose resolved event is none of those that it had in the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateReset {
    /// The key.
    pub skid: Skid,
    /// Its event in each state that had one.
    pub from: Vec<Rn>,
    /// Its event now; `None` if every state had one and the result has none.
    pub to: Option<Rn>,
}

/// Resolves states of one room to one state with the algorithm of the room version. The rules must
/// be those of the events of `source`.
pub fn resolve(
    rules: &RoomVersionRules,
    states: &[StateMap],
    source: &impl EventSource,
) -> Resolution {
    run(rules, states, source, &mut None)
}

fn run(
    rules: &RoomVersionRules,
    states: &[StateMap],
    source: &impl EventSource,
    log: &mut Log,
) -> Resolution {
    let Some(split) = Split::of(states) else {
        return Resolution::default();
    };
    if split.differing.is_empty() {
        return Resolution {
            state: split.base.clone(),
            resets: Vec::new(),
        };
    }
    let state = match rules.state_resolution {
        StateResolution::V1 => v1::resolve(&split, source, log),
        StateResolution::V2 => v2::resolve(v2::Variant::V2, &split, source, log),
        StateResolution::V2_1 => v2::resolve(v2::Variant::V2_1, &split, source, log),
    };
    let resets = audit::resets(&split, &state);
    Resolution { state, resets }
}
