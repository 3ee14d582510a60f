//! The alarm for states that go back.

use super::{StateReset, split::Split};
use crate::{Skid, StateMap};

/// The keys whose resolved event is none of their candidates, in their order.
pub(super) fn resets(split: &Split<'_>, state: &StateMap) -> Vec<StateReset> {
    let differing = split.differing.iter().copied();
    let mut resets: Vec<StateReset> = differing
        .filter_map(|skid| reset_of(skid, split, state))
        .collect();
    resets.sort_unstable_by_key(|reset| reset.skid);
    resets
}

fn reset_of(skid: Skid, split: &Split<'_>, state: &StateMap) -> Option<StateReset> {
    let to = state.get(&skid).copied();
    let is_expected = match to {
        Some(to) => split.values(skid).any(|(_, rn)| rn == to),
        // A key that was new in some states, and is not let in.
        None => split.values(skid).count() < split.width(),
    };
    (!is_expected).then(|| StateReset {
        skid,
        from: split.values(skid).map(|(_, rn)| rn).collect(),
        to,
    })
}
