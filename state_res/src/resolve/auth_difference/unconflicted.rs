//! What the entries reach on which all states agree.

use rustc_hash::FxHashSet;

use crate::{
    AuthDag, EventSource, Rn,
    resolve::{auth_chain::auth_of, split::Split},
};

/// How many edges are followed upwards before the scan is taken instead. Small forks need a few of
/// them, whatever the size of the room; a scan takes about as long as a hundred thousand.
const MOST_STEPS: usize = 4_096;

/// Takes out of `candidates` what is in the auth chain of an unconflicted entry.
pub(super) fn remove_reached(
    candidates: &mut FxHashSet<Rn>,
    split: &Split<'_>,
    source: &impl EventSource,
) {
    let Some(dag) = source.dag() else {
        return scan(candidates, split, source);
    };
    let mut steps = MOST_STEPS;
    let mut undecided = FxHashSet::default();
    candidates.retain(|rn| match is_reached(*rn, split, dag, &mut steps) {
        Some(reached) => !reached,
        None => {
            undecided.insert(*rn);
            false
        }
    });
    scan(&mut undecided, split, source);
    candidates.extend(undecided);
}

/// Whether an unconflicted entry is among the descendants of an event; `None` if the steps did not
/// suffice to tell.
fn is_reached(rn: Rn, split: &Split<'_>, dag: &AuthDag, steps: &mut usize) -> Option<bool> {
    let mut to_visit = vec![rn];
    let mut seen = FxHashSet::default();
    while let Some(rn) = to_visit.pop() {
        for child in dag.children(rn) {
            *steps = steps.checked_sub(1)?;
            let is_entry = dag
                .skid(child)
                .is_some_and(|skid| split.base.get(&skid) == Some(&child) && split.agrees_on(skid));
            if is_entry {
                return Some(true);
            }
            if seen.insert(child) {
                to_visit.push(child);
            }
        }
    }
    Some(false)
}

/// The same for all candidates at once, down from the newest entry. Only events with larger numbers
/// than the smallest candidate can lead to one.
fn scan(candidates: &mut FxHashSet<Rn>, split: &Split<'_>, source: &impl EventSource) {
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
