//! Versions 2 and 2.1.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v2/#algorithm> and
//! <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>.

use rustc_hash::FxHashSet;

use super::{
    auth_difference::auth_difference,
    explain::{Log, Part},
    mainline,
    partial::{Partial, Start},
    power_order::power_events,
    split::Split,
    subgraph::conflicted_subgraph,
};
use crate::{EventSource, Rn, StateMap};

/// Which of the two algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Room versions 2 to 11.
    V2,
    /// Room version 12: starts from nothing and replays the conflicted subgraph.
    V2_1,
}

pub(super) fn resolve(
    variant: Variant,
    split: &Split<'_>,
    source: &impl EventSource,
    log: &mut Log,
) -> StateMap {
    let full = full_conflicted_set(variant, split, source);
    // Step 1.
    let power = power_events(&full, source);
    // Step 2.
    let start = match variant {
        Variant::V2 => Start::Unconflicted(split),
        Variant::V2_1 => Start::Empty,
    };
    let mut partial = Partial::new(start, source);
    partial.apply(&power, Part::PowerEvents, log);
    // Step 3.
    let done: FxHashSet<Rn> = power.into_iter().collect();
    let mut rest: Vec<Rn> = full.difference(&done).copied().collect();
    mainline::sort(&mut rest, partial.power_levels(), source);
    // Step 4.
    partial.apply(&rest, Part::Mainline, log);
    // Step 5.
    partial.into_state(split)
}

/// The conflicted state set, the auth difference and in version 2.1 the conflicted subgraph, as far
/// as the events are there.
fn full_conflicted_set(
    variant: Variant,
    split: &Split<'_>,
    source: &impl EventSource,
) -> FxHashSet<Rn> {
    let conflicted = split.conflicted();
    let mut full = auth_difference(split, &conflicted, source);
    full.extend(&conflicted);
    if variant == Variant::V2_1 {
        full.extend(conflicted_subgraph(&conflicted, source));
    }
    full.retain(|rn| source.event(*rn).is_some());
    full
}
