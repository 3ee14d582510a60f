//! Work that nodes share out: what has to be done for all (sending to other servers, pushing, calling
//! application services) is divided in parts by name, and one node at a time has a part.
//!
//! A part is one document: who has it, and what its owner keeps there. It changes by compare-and-swap
//! only, so whoever has lost it cannot write it any more. Which node should have a part follows from
//! who is there; its owner gives away what another should have, and what a node had that is gone is
//! taken. In between, two nodes may do the same for a moment.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::schema::PART;
use crate::slot::{SlotRow, rows};
use crate::store::{Store, read_one};
use crate::{Error, Key, Result, hash16};

/// Into how many parts work of a kind is divided.
pub const PARTS: u16 = 16;

/// The names of the nodes that are there, in order.
pub type Nodes = Arc<[String]>;

/// The part that a name belongs to.
pub fn part_of(name: &str) -> u16 {
    let hash = hash16(&[name.as_bytes()]);
    u16::from_be_bytes([hash[0], hash[1]]) % PARTS
}

/// Which of the nodes should have a part: where one comes or goes, only its own parts move.
fn chosen<'a>(nodes: &'a [String], kind: &str, part: u16) -> Option<&'a String> {
    let weight = |node: &&String| {
        let part = part.to_be_bytes();
        hash16(&[node.as_bytes(), kind.as_bytes(), &part])
    };
    nodes.iter().max_by_key(weight)
}

fn part_key(kind: &str, part: u16) -> Key {
    hash16(&[kind.as_bytes(), &part.to_be_bytes()]).to_vec()
}

#[derive(Serialize, Deserialize)]
struct PartRow<T> {
    /// Who has it; `None`: nobody has.
    owner: Option<Owner>,
    /// What its owner keeps there.
    body: T,
    v: i64,
}

/// A node while it runs, known by the slot that it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) slot: i64,
    pub(crate) epoch: i64,
}

/// A part that this node has.
pub struct Part<T> {
    store: Store,
    key: Key,
    /// Who we were when we took it.
    owner: Option<Owner>,
    body: T,
    /// The version that is stored; `None`: nothing is.
    v: Option<i64>,
}

impl Store {
    /// The nodes that are there, this one among them; tells when they change.
    pub fn nodes(&self) -> watch::Receiver<Nodes> {
        self.inner.nodes.clone()
    }

    /// Whether this node should have a part.
    pub fn wants_part(&self, kind: &str, part: u16) -> bool {
        let nodes = self.inner.nodes.borrow();
        chosen(&nodes, kind, part) == Some(&self.inner.node)
    }

    /// Takes a part that nobody has, or a node that is gone; `None`: a node that is there has it.
    pub async fn take_part<T>(&self, kind: &str, part: u16) -> Result<Option<Part<T>>>
    where
        T: Clone + Default + DeserializeOwned + Serialize,
    {
        let key = part_key(kind, part);
        let engine = self.inner.engine.as_ref();
        let stored: Option<PartRow<T>> = read_one(engine, PART, key.clone()).await?;
        let mut taken = Part {
            store: self.clone(),
            key,
            owner: None,
            v: stored.as_ref().map(|row| row.v),
            body: T::default(),
        };
        let mut owner = None;
        if let Some(row) = stored {
            (taken.body, owner) = (row.body, row.owner);
        }
        // Where there is one node, nobody else can have it.
        if !self.inner.is_shared {
            return Ok(Some(taken));
        }
        let open: Vec<_> = rows(engine)
            .await?
            .into_values()
            .filter(SlotRow::is_open)
            .collect();
        let us = open
            .iter()
            .find(|row| row.belongs_to(&self.inner.node))
            .map(SlotRow::owner);
        let is_held = open
            .iter()
            .any(|row| Some(row.owner()) == owner && Some(row.owner()) != us);
        if us.is_none() || is_held {
            return Ok(None);
        }
        taken.owner = us;
        match taken.write(us).await {
            Ok(()) => Ok(Some(taken)),
            Err(Error::PartLost) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

impl<T: Clone + Serialize> Part<T> {
    /// What is stored.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// Stores something else.
    ///
    /// # Errors
    ///
    /// [`Error::PartLost`]: another node has it now.
    pub async fn put(&mut self, body: T) -> Result<()> {
        let before = std::mem::replace(&mut self.body, body);
        let written = self.write(self.owner).await;
        if written.is_err() {
            self.body = before;
        }
        written
    }

    /// Leaves it to whoever takes it.
    ///
    /// # Errors
    ///
    /// [`Error::PartLost`]: another node has it already.
    pub async fn give_away(mut self) -> Result<()> {
        if !self.store.inner.is_shared {
            return Ok(());
        }
        self.write(None).await
    }

    async fn write(&mut self, owner: Option<Owner>) -> Result<()> {
        let v = self.v.unwrap_or(0) + 1;
        let row = PartRow {
            owner,
            body: self.body.clone(),
            v,
        };
        let put = self.store.put_if(PART, self.key.clone(), self.v, &row);
        if !put.await? {
            return Err(Error::PartLost);
        }
        self.v = Some(v);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owners(nodes: &[String]) -> Vec<String> {
        let chosen = |part| chosen(nodes, "test", part).cloned();
        (0..PARTS).filter_map(chosen).collect()
    }

    proptest! {
        #[test]
        fn a_node_that_goes_leaves_its_parts_only(names in prop::collection::btree_set("[a-z]{1,8}", 2..6)) {
            let all: Vec<String> = names.into_iter().collect();
            let (gone, rest) = all.split_first().unwrap();

            for (before, after) in owners(&all).iter().zip(owners(rest)) {
                prop_assert!(before == gone || *before == after);
            }
        }
    }

    #[test]
    fn every_name_is_in_a_part() {
        let parts: std::collections::BTreeSet<u16> = (0..1_000)
            .map(|n| part_of(&format!("{n}.example")))
            .collect();

        assert_eq!(parts, (0..PARTS).collect());
    }
}
