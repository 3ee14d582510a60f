//! What the conflicted entries of the states reach.

use std::collections::BinaryHeap;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    EventSource, Rn,
    resolve::{auth_chain::auth_of, split::Split},
};

/// One walk down the auth edges, largest number first. As every edge leads to a smaller number, an
/// event is taken up only after everything that leads to it.
struct Walk {
    /// Which states have an event among their conflicted entries or in the chains of these: a bit
    /// for each state, `words` words for each event, in the order of `places`.
    masks: Vec<u64>,
    places: FxHashMap<Rn, usize>,
    full: Vec<u64>,
    queue: BinaryHeap<Rn>,
    /// How many queued events are not in the mask of every state. Once there is none, everything
    /// further down is in all chains.
    partial: usize,
}

/// The events that are in the auth chains of the conflicted entries of some, not all states,
/// without these entries themselves.
pub(super) fn reached_by_some(
    split: &Split<'_>,
    conflicted: &FxHashSet<Rn>,
    source: &impl EventSource,
) -> FxHashSet<Rn> {
    let mut walk = Walk::new(split.width());
    walk.places.reserve(2 * conflicted.len());
    let mut mask = vec![0; walk.full.len()];
    for (state, rn) in split.entries() {
        mask.fill(0);
        mask[state / 64] = 1 << (state % 64);
        walk.merge(rn, &mask);
    }
    let mut found = FxHashSet::default();
    while walk.partial > 0
        && let Some(rn) = walk.queue.pop()
    {
        mask.copy_from_slice(walk.mask(rn));
        if mask != walk.full {
            walk.partial -= 1;
            if !conflicted.contains(&rn) {
                found.insert(rn);
            }
        }
        for &auth in auth_of(source, rn) {
            walk.merge(auth, &mask);
        }
    }
    found
}

impl Walk {
    fn new(width: usize) -> Self {
        let mut full = vec![u64::MAX; width.div_ceil(64)];
        if !width.is_multiple_of(64)
            && let Some(last) = full.last_mut()
        {
            *last = (1 << (width % 64)) - 1;
        }
        Self {
            masks: Vec::new(),
            places: FxHashMap::default(),
            full,
            queue: BinaryHeap::new(),
            partial: 0,
        }
    }

    fn mask(&self, rn: Rn) -> &[u64] {
        let words = self.full.len();
        &self.masks[self.places[&rn] * words..][..words]
    }

    fn merge(&mut self, rn: Rn, mask: &[u64]) {
        let words = self.full.len();
        let next = self.places.len();
        let place = *self.places.entry(rn).or_insert(next);
        if place == next {
            self.queue.push(rn);
            self.partial += 1;
            self.masks.resize(self.masks.len() + words, 0);
        }
        let own = &mut self.masks[place * words..][..words];
        let was_partial = own != self.full;
        for (bits, more) in own.iter_mut().zip(mask) {
            *bits |= more;
        }
        self.partial -= usize::from(was_partial && own == self.full);
    }
}
