//! What the entries reach on which all states agree.

use rustc_hash::FxHashSet;

use crate::{
    EventSource, Rn,
    resolve::{auth_chain::auth_of, split::Split},
};

/// Takes out of `candidates` what is in the auth chain of an unconflicted entry. Only events with
/// larger numbers than the smallest candidate can lead to one.
pub(super) fn remove_reached(
    candidates: &mut FxHashSet<Rn>,
    split: &Split<'_>,
    source: &impl EventSource,
) {
    let Some(&lowest) = candidates.iter().min() else {
        return;
    };
    let mut live = live_above(lowest, split);
    for index in (0..live.len()).rev() {
        if candidates.is_empty() {
            return;
        }
        if !live[index] {
            continue;
        }
        for &auth in auth_of(source, lowest + index as Rn) {
            if auth >= lowest {
                live[(auth - lowest) as usize] = true;
                candidates.remove(&auth);
            }
        }
    }
}

/// For each number from `lowest` on: whether it is an unconflicted entry.
fn live_above(lowest: Rn, split: &Split<'_>) -> Vec<bool> {
    let mut live = Vec::new();
    for (skid, &rn) in split.base {
        if rn > lowest && split.agrees_on(*skid) {
            let index = (rn - lowest) as usize;
            if index >= live.len() {
                live.resize(index + 1, false);
            }
            live[index] = true;
        }
    }
    live
}
