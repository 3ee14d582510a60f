//! The conflicted state subgraph of version 2.1.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v12/#state-resolution>.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::auth_chain::auth_of;
use crate::{EventSource, Rn};

/// Every event on a path of auth edges from one conflicted event to another, both included.
pub(super) fn conflicted_subgraph(
    conflicted: &FxHashSet<Rn>,
    source: &impl EventSource,
) -> Vec<Rn> {
    // Below the smallest conflicted number no path ends.
    let Some(&lowest) = conflicted.iter().min() else {
        return Vec::new();
    };
    let mut below: BTreeMap<Rn, bool> = BTreeMap::new();
    let mut to_visit: Vec<Rn> = conflicted.iter().copied().collect();
    while let Some(rn) = to_visit.pop() {
        if rn < lowest || below.insert(rn, false).is_some() {
            continue;
        }
        to_visit.extend_from_slice(auth_of(source, rn));
    }
    // Upwards: an event is on a path if it is conflicted or an auth event of it is on one.
    let mut on_path = Vec::new();
    let visited: Vec<Rn> = below.keys().copied().collect();
    for rn in visited {
        let leads_to_conflicted = conflicted.contains(&rn)
            || auth_of(source, rn)
                .iter()
                .any(|auth| below.get(auth) == Some(&true));
        if leads_to_conflicted {
            below.insert(rn, true);
            on_path.push(rn);
        }
    }
    on_path
}
