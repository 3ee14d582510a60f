//! The auth difference: what is in the full auth chain of one state but not of every state.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v2/#definitions>.
//!
//! The chain of a state holds the state's own events, too. The words of the specification leave them
//! out, but rooms are resolved with them (ADR 0008).
//!
//! With `U` for the entries that the states agree on and `Di` for the others of state `i`, the
//! chain of a state is `U ∪ reach(U) ∪ Di ∪ reach(Di)`. So the difference is what some but not all
//! `Di` reach, less `U` and what `U` reaches. The first part is small where forks are small; only
//! what is left of it is looked for in the second.

mod reach;
mod unconflicted;

use rustc_hash::FxHashSet;

use super::split::Split;
use crate::{EventSource, Rn};

/// The auth difference, without the events that are in the conflicted state set anyway.
pub(super) fn auth_difference(
    split: &Split<'_>,
    conflicted: &FxHashSet<Rn>,
    source: &impl EventSource,
) -> FxHashSet<Rn> {
    let mut candidates = reach::reached_by_some(split, conflicted, source);
    candidates.retain(|rn| {
        let skid = source.event(*rn).map(|event| event.skid);
        !skid.is_some_and(|skid| split.agrees_on(skid) && split.base.get(&skid) == Some(rn))
    });
    unconflicted::remove_reached(&mut candidates, split, source);
    candidates
}
