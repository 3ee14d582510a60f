//! What the states agree on, and what not.

use imbl::ordmap::DiffItem;
use rustc_hash::FxHashSet;

use crate::{Rn, Skid, StateMap};

/// The keys on which states differ.
pub(super) struct Split<'a> {
    /// The largest of the states: apart from the keys in `differing` all of them are the same.
    pub(super) base: &'a StateMap,
    states: &'a [StateMap],
    /// Every key that does not have the same value everywhere.
    pub(super) differing: FxHashSet<Skid>,
}

impl<'a> Split<'a> {
    /// Compares the states. What they share in memory is not looked at.
    pub(super) fn of(states: &'a [StateMap]) -> Option<Self> {
        // The result is made out of the base, and is most like the largest.
        let base = states.iter().max_by_key(|state| state.len())?;
        let mut differing = FxHashSet::default();
        for state in states {
            for item in base.diff(state) {
                match item {
                    DiffItem::Add(skid, _)
                    | DiffItem::Remove(skid, _)
                    | DiffItem::Update { new: (skid, _), .. } => differing.insert(*skid),
                };
            }
        }
        Some(Self {
            base,
            states,
            differing,
        })
    }

    /// How many states there are.
    pub(super) fn width(&self) -> usize {
        self.states.len()
    }

    /// Whether the states agree on a key.
    pub(super) fn agrees_on(&self, skid: Skid) -> bool {
        !self.differing.contains(&skid)
    }

    /// The values of a key, in the order of the states that have it.
    pub(super) fn values(&self, skid: Skid) -> impl Iterator<Item = (usize, Rn)> + use<'a> {
        let states = self.states.iter().enumerate();
        states.filter_map(move |(number, state)| Some((number, *state.get(&skid)?)))
    }

    /// The conflicted state set: every value of a key that differs.
    pub(super) fn conflicted(&self) -> FxHashSet<Rn> {
        self.entries().map(|(_, rn)| rn).collect()
    }

    /// The same with the states that have each.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, Rn)> {
        self.differing.iter().flat_map(|skid| self.values(*skid))
    }
}
