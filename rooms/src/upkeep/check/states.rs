//! State groups, replayed from their differences.

use std::collections::HashMap;

use gantry_state_res::StateMap;
use gantry_store::Store;

use crate::{
    Error, Result,
    codec::{Group, GroupDoc},
    memory::Dag,
    state::{CachedGroup, EMPTY, StateCache, delta_of, diff, full_state, load_group},
};

/// Groups that are kept in memory; older ones are replayed again.
const KEPT: usize = 4096;

/// The groups of a room that a check has come by.
pub(super) struct States<'a> {
    store: &'a Store,
    rid: u64,
    cache: StateCache,
    parents: HashMap<Group, Group>,
}

impl<'a> States<'a> {
    pub(super) fn new(store: &'a Store, rid: u64) -> Self {
        Self {
            store,
            rid,
            cache: StateCache::holding(KEPT),
            parents: HashMap::new(),
        }
    }

    /// The state of a group; `None`: no entry so far has made it.
    pub(super) async fn get(&self, group: Group) -> Result<Option<StateMap>> {
        Ok(self.find(group).await?.map(|found| found.state))
    }

    async fn find(&self, group: Group) -> Result<Option<CachedGroup>> {
        if group != EMPTY && !self.parents.contains_key(&group) {
            return Ok(None);
        }
        load_group(self.store, &self.cache, self.rid, group)
            .await
            .map(Some)
    }

    /// Replays the groups that an entry has made; returns what is wrong with them.
    pub(super) async fn take(
        &mut self,
        dag: &Dag,
        pos: u64,
        groups: &[GroupDoc],
    ) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for (index, doc) in groups.iter().enumerate() {
            if doc.g != (pos as i64) << 16 | index as i64 {
                wrong.push(format!("group {} has another entry's number", doc.g));
                continue;
            }
            match self.replay(dag, doc).await {
                Ok(differences) => wrong.extend(differences),
                Err(Error::Broken(what)) => wrong.push(format!("group {}: {what}", doc.g)),
                Err(error) => return Err(error),
            }
        }
        Ok(wrong)
    }

    async fn replay(&mut self, dag: &Dag, doc: &GroupDoc) -> Result<Vec<String>> {
        let up = doc.up.unwrap_or(EMPTY);
        let parent = self
            .find(up)
            .await?
            .ok_or(Error::Broken("its parent is unknown"))?;
        let delta = delta_of(self.store, self.rid, doc).await?;
        let mut wrong = Vec::new();
        let mut find = |what: &str| wrong.push(format!("group {}: {what}", doc.g));
        for (skid, old, new) in &delta {
            if parent.state.get(skid) != old.as_ref() {
                find("its difference does not begin at its parent");
            }
            let fits = |rn: &u32| {
                let event = dag.get(*rn);
                event.is_some_and(|event| event.skid == *skid && !event.rejected)
            };
            if !new.as_ref().is_none_or(fits) {
                find("it holds an event that is none of this key");
            }
        }
        let mut child = parent.child(up, &delta);
        if !doc.full.is_empty() {
            let full = full_state(self.store, self.rid, &doc.full).await?;
            if !diff(&full, &child.state).is_empty() {
                find("its checkpoint is another state");
            }
            child.since_full = 0;
        }
        self.parents.insert(doc.g, up);
        if doc
            .up8
            .is_some_and(|up8| self.ancestor(doc.g, 8) != Some(up8))
        {
            find("the parent eight levels up is another one");
        }
        self.cache.insert(doc.g, child);
        Ok(wrong)
    }

    fn ancestor(&self, group: Group, levels: usize) -> Option<Group> {
        (0..levels).try_fold(group, |at, _| self.parents.get(&at).copied())
    }
}
