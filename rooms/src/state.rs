//! State groups: states by number, kept as differences with a checkpoint now and then. See
//! `event-log`, section 3.

use std::{
    collections::{HashMap, VecDeque},
    ops::Bound,
};

use gantry_state_res::{Rn, Skid, StateMap};
use gantry_store::{Scan, Store, schema::ROOM};
use imbl::ordmap::DiffItem;
use parking_lot::Mutex;

use crate::{
    Error, Result,
    codec::{
        Change, EntryDoc, Group, GroupDoc, KIND_PAGE, PageDoc, entry_key, key, number, unpack,
        unpack_changes,
    },
};

/// The state before everything: no event.
pub(crate) const EMPTY: Group = 0;

/// How many groups stay in memory per room.
const CACHED_GROUPS: usize = 128;
/// Entries that are read at once while walking to a checkpoint.
const WALK_PAGE: usize = 64;
/// A chain of differences that is longer than any that we write is damaged.
const MAX_WALK: usize = 1_000_000;
/// Differences since the last checkpoint that are always allowed.
const MIN_CHECKPOINT: usize = 512;

/// A state with what its children need to know.
#[derive(Debug, Clone, Default)]
pub(crate) struct CachedGroup {
    /// The state.
    pub(crate) state: StateMap,
    /// Entries of differences since the last checkpoint.
    pub(crate) since_full: usize,
    /// Parent, grandparent and so on, up to eight.
    pub(crate) line: VecDeque<Group>,
}

impl CachedGroup {
    /// The child of `parent` that differs from it by `delta`.
    pub(crate) fn child(&self, parent: Group, delta: &[Change]) -> Self {
        let mut line = self.line.clone();
        line.push_front(parent);
        line.truncate(8);
        Self {
            state: apply(&self.state, delta),
            since_full: self.since_full + delta.len(),
            line,
        }
    }

    /// Whether a checkpoint is due.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.since_full > MIN_CHECKPOINT.max(self.state.len() / 4)
    }
}

/// The groups of one room that were used last. A mutex over a map: held for a look-up, never
/// across an await.
#[derive(Debug)]
pub(crate) struct StateCache {
    inner: Mutex<Cached>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Cached {
    groups: HashMap<Group, CachedGroup>,
    order: VecDeque<Group>,
}

impl Default for StateCache {
    fn default() -> Self {
        Self::holding(CACHED_GROUPS)
    }
}

impl StateCache {
    /// A cache of so many groups.
    pub(crate) fn holding(capacity: usize) -> Self {
        Self {
            inner: Mutex::default(),
            capacity,
        }
    }

    pub(crate) fn get(&self, group: Group) -> Option<CachedGroup> {
        self.inner.lock().groups.get(&group).cloned()
    }

    pub(crate) fn insert(&self, group: Group, cached: CachedGroup) {
        let mut inner = self.inner.lock();
        if inner.groups.insert(group, cached).is_none() {
            inner.order.push_back(group);
        }
        while inner.order.len() > self.capacity {
            if let Some(oldest) = inner.order.pop_front() {
                inner.groups.remove(&oldest);
            }
        }
    }
}

/// The state of a committed group.
pub(crate) async fn load_group(
    store: &Store,
    cache: &StateCache,
    rid: u64,
    group: Group,
) -> Result<CachedGroup> {
    if group == EMPTY {
        return Ok(CachedGroup::default());
    }
    if let Some(cached) = cache.get(group) {
        return Ok(cached);
    }
    let mut walk = Walk {
        store,
        rid,
        entries: HashMap::new(),
    };
    let mut above: Vec<GroupDoc> = Vec::new();
    let mut at = group;
    let mut base = loop {
        if at == EMPTY {
            break CachedGroup::default();
        }
        if let Some(cached) = cache.get(at) {
            break cached;
        }
        let doc = walk.group(at).await?;
        if !doc.full.is_empty() {
            let state = full_state(store, rid, &doc.full).await?;
            let line = doc.up.into_iter().collect();
            break CachedGroup {
                state,
                since_full: 0,
                line,
            };
        }
        at = doc.up.unwrap_or(EMPTY);
        above.push(doc);
        if above.len() > MAX_WALK {
            return Err(Error::Broken("an endless chain of state groups"));
        }
    };
    let mut parent = at;
    for doc in above.into_iter().rev() {
        let delta = delta_of(store, rid, &doc).await?;
        base = base.child(parent, &delta);
        parent = doc.g;
    }
    cache.insert(group, base.clone());
    Ok(base)
}

/// Reads entries backwards, a page at a time, since a group's parents lie before it.
struct Walk<'a> {
    store: &'a Store,
    rid: u64,
    entries: HashMap<u64, Vec<GroupDoc>>,
}

impl Walk<'_> {
    async fn group(&mut self, group: Group) -> Result<GroupDoc> {
        let pos = (group >> 16) as u64;
        if !self.entries.contains_key(&pos) {
            let scan = Scan::range(
                Bound::Included(entry_key(self.rid, pos.saturating_sub(WALK_PAGE as u64))),
                Bound::Included(entry_key(self.rid, pos)),
            );
            for (place, entry) in self.store.scan::<EntryDoc>(ROOM, scan).await? {
                self.entries.insert(number(&place)?, entry.ng);
            }
        }
        self.entries
            .get(&pos)
            .and_then(|groups| groups.iter().find(|doc| doc.g == group))
            .cloned()
            .ok_or(Error::Broken("a state group is missing"))
    }
}

/// The state that a checkpoint's pages hold.
pub(crate) async fn full_state(store: &Store, rid: u64, pages: &[i64]) -> Result<StateMap> {
    let bytes = read_pages(store, rid, pages).await?;
    let numbers: Vec<u32> = unpack(&bytes).collect();
    Ok(numbers
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect())
}

/// What a group differs by from its parent.
pub(crate) async fn delta_of(store: &Store, rid: u64, doc: &GroupDoc) -> Result<Vec<Change>> {
    if let Some(delta) = &doc.delta {
        return Ok(unpack_changes(delta));
    }
    Ok(unpack_changes(&read_pages(store, rid, &doc.pages).await?))
}

/// The bytes of pages, one after the other.
pub(crate) async fn read_pages(store: &Store, rid: u64, pages: &[i64]) -> Result<Vec<u8>> {
    let keys: Vec<_> = pages
        .iter()
        .map(|page| key(rid, KIND_PAGE, *page as u64))
        .collect();
    let mut bytes = Vec::new();
    for page in store.multi_get::<PageDoc>(ROOM, &keys).await? {
        bytes.extend(page.ok_or(Error::Broken("a page is missing"))?.body.0);
    }
    Ok(bytes)
}

/// A state with changes applied.
pub(crate) fn apply(state: &StateMap, changes: &[Change]) -> StateMap {
    let mut state = state.clone();
    for (skid, _, new) in changes {
        match new {
            Some(rn) => state.insert(*skid, *rn),
            None => state.remove(skid),
        };
    }
    state
}

/// What turns one state into another. The cost is that of the difference, not of the states.
pub(crate) fn diff(old: &StateMap, new: &StateMap) -> Vec<Change> {
    old.diff(new)
        .map(|item| match item {
            DiffItem::Add(skid, rn) => (*skid, None, Some(*rn)),
            DiffItem::Remove(skid, rn) => (*skid, Some(*rn), None),
            DiffItem::Update {
                old: (skid, old),
                new: (_, new),
            } => (*skid, Some(*old), Some(*new)),
        })
        .collect()
}

/// One key set to one event, as a change.
pub(crate) fn set(state: &StateMap, skid: Skid, rn: Rn) -> Change {
    (skid, state.get(&skid).copied(), Some(rn))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_difference_leads_from_one_state_to_the_other(
            old in prop::collection::btree_map(0_u32..40, 0_u32..9, 0..40),
            new in prop::collection::btree_map(0_u32..40, 0_u32..9, 0..40),
        ) {
            let old: StateMap = old.into_iter().collect();
            let new: StateMap = new.into_iter().collect();

            let changes = diff(&old, &new);

            prop_assert_eq!(apply(&old, &changes), new);
            prop_assert!(changes.iter().all(|(_, before, after)| before != after));
        }
    }
}
