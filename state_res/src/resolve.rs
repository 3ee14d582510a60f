//! State resolution.
//!
//! Specification: version 1 of the algorithm is
//! <https://spec.matrix.org/v1.19/rooms/v1/#state-resolution>, version 2
//! <https://spec.matrix.org/v1.19/rooms/v2/#state-resolution>, and version 2.1
//! <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>.
//!
//! The result depends on the states as a set: neither their order nor the numbering of events and
//! keys makes a difference.

mod auth_chain;
mod auth_difference;
mod mainline;
mod partial;
mod power_order;
mod split;
mod subgraph;
mod v1;
mod v2;

use gantry_model::{RoomVersionRules, room_version::StateResolution};

use crate::{EventSource, StateMap};

/// What came out of a resolution.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// The resolved state.
    pub state: StateMap,
}

/// Resolves states of one room to one state with the algorithm of the room version. The rules must
/// be those of the events of `source`.
pub fn resolve(
    rules: &RoomVersionRules,
    states: &[StateMap],
    source: &impl EventSource,
) -> Resolution {
    let state = match rules.state_resolution {
        StateResolution::V1 => v1::resolve(states, source),
        StateResolution::V2 => v2::resolve(v2::Variant::V2, states, source),
        StateResolution::V2_1 => v2::resolve(v2::Variant::V2_1, states, source),
    };
    Resolution { state }
}
