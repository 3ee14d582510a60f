//! The auth DAG of a room in flat arrays.

use crate::{Rn, Skid};

/// Marks the end of a list of children.
const NONE: u32 = u32::MAX;

/// The auth events and the type and state key of every event of a room, by number, without a
/// pointer to follow: four bytes for each, and eight for an edge.
#[derive(Debug, Clone, Default)]
pub struct AuthDag {
    skids: Vec<Skid>,
    /// Where the edges of an event end; those of the next begin there.
    ends: Vec<u32>,
    edges: Vec<Rn>,
    /// The last edge that leads to an event: the head of the list of its children.
    last_edge_to: Vec<u32>,
    /// For each edge the one before it that leads to the same event.
    earlier_edge: Vec<u32>,
    /// The event from which each edge starts.
    edge_from: Vec<Rn>,
}

impl AuthDag {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many events there are; also the number of the next one.
    pub fn len(&self) -> usize {
        self.skids.len()
    }

    /// Whether there is no event.
    pub fn is_empty(&self) -> bool {
        self.skids.is_empty()
    }

    /// Adds the next event and returns its number. Its auth events must be there already; others
    /// are left out.
    pub fn push(&mut self, skid: Skid, auth: &[Rn]) -> Rn {
        let rn = self.skids.len() as Rn;
        for &to in auth.iter().filter(|to| **to < rn) {
            let edge = self.edges.len() as u32;
            let head = &mut self.last_edge_to[to as usize];
            self.earlier_edge.push(*head);
            *head = edge;
            self.edges.push(to);
            self.edge_from.push(rn);
        }
        self.skids.push(skid);
        self.ends.push(self.edges.len() as u32);
        self.last_edge_to.push(NONE);
        rn
    }

    /// The number of an event's type and state key.
    pub fn skid(&self, rn: Rn) -> Option<Skid> {
        self.skids.get(rn as usize).copied()
    }

    /// Takes the last events away, so that `len` are left.
    pub fn truncate(&mut self, len: usize) {
        let edges = match len.checked_sub(1) {
            Some(last) => self
                .ends
                .get(last)
                .copied()
                .unwrap_or(self.edges.len() as u32),
            None => 0,
        };
        while self.edges.len() > edges as usize {
            self.edge_from.pop();
            if let (Some(to), Some(earlier)) = (self.edges.pop(), self.earlier_edge.pop()) {
                self.last_edge_to[to as usize] = earlier;
            }
        }
        self.skids.truncate(len);
        self.ends.truncate(len);
        self.last_edge_to.truncate(len);
    }

    /// The auth events of an event.
    pub fn auth(&self, rn: Rn) -> &[Rn] {
        let rn = rn as usize;
        let Some(&end) = self.ends.get(rn) else {
            return &[];
        };
        let start = rn.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.edges[start as usize..end as usize]
    }

    /// The events that name this one as an auth event, newest first.
    pub fn children(&self, rn: Rn) -> impl Iterator<Item = Rn> + use<'_> {
        let mut edge = self.last_edge_to.get(rn as usize).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let child = *self.edge_from.get(edge as usize)?;
            edge = self.earlier_edge[edge as usize];
            Some(child)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_found_from_both_ends() {
        let mut dag = AuthDag::new();
        dag.push(0, &[]);
        dag.push(1, &[0]);
        dag.push(2, &[0, 1]);

        assert_eq!(dag.auth(2), [0, 1]);
        assert!(dag.auth(0).is_empty());
        assert_eq!(dag.children(0).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(dag.children(1).collect::<Vec<_>>(), [2]);
        assert_eq!(dag.children(7).count(), 0);
        assert_eq!(dag.skid(2), Some(2));
    }

    #[test]
    fn what_is_taken_away_leaves_no_trace() {
        let mut dag = AuthDag::new();
        dag.push(0, &[]);
        dag.push(1, &[0]);
        let whole = format!("{dag:?}");
        dag.push(2, &[0, 1]);
        dag.push(2, &[0, 1, 2]);

        dag.truncate(2);

        assert_eq!(format!("{dag:?}"), whole);
        dag.truncate(0);
        assert_eq!(format!("{dag:?}"), format!("{:?}", AuthDag::new()));
    }
}
