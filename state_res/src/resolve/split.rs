//! What the states agree on, and what not.

use std::collections::BTreeMap;

use imbl::ordmap::DiffItem;
use rustc_hash::FxHashMap;

use crate::{Rn, Skid, StateMap};

/// The keys on which states differ.
pub(super) struct Split<'a> {
    /// Any of the states: apart from the keys in `differing` all of them are the same.
    pub(super) base: &'a StateMap,
    /// For every key that does not have the same value everywhere: the value in each state.
    pub(super) differing: BTreeMap<Skid, Vec<Option<Rn>>>,
}

impl<'a> Split<'a> {
    /// Compares the states. What they share in memory is not looked at.
    pub(super) fn of(states: &'a [StateMap]) -> Option<Self> {
        let (base, others) = states.split_first()?;
        let mut differing = BTreeMap::new();
        for other in others {
            for item in base.diff(other) {
                let skid = match item {
                    DiffItem::Add(skid, _)
                    | DiffItem::Remove(skid, _)
                    | DiffItem::Update { new: (skid, _), .. } => *skid,
                };
                differing
                    .entry(skid)
                    .or_insert_with(|| states.iter().map(|s| s.get(&skid).copied()).collect());
            }
        }
        Some(Self { base, differing })
    }

    /// How many states there are.
    pub(super) fn width(&self) -> usize {
        self.differing.values().next().map_or(1, Vec::len)
    }

    /// Whether the states agree on a key.
    pub(super) fn agrees_on(&self, skid: Skid) -> bool {
        !self.differing.contains_key(&skid)
    }

    /// The conflicted state set: every value of a key that differs, each once, with the states that
    /// have it.
    pub(super) fn conflicted(&self) -> FxHashMap<Rn, Vec<usize>> {
        let mut conflicted: FxHashMap<Rn, Vec<usize>> = FxHashMap::default();
        for values in self.differing.values() {
            for (state, value) in values.iter().enumerate() {
                if let Some(rn) = value {
                    conflicted.entry(*rn).or_default().push(state);
                }
            }
        }
        conflicted
    }
}
