//! The reverse topological power ordering.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v2/#definitions>.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    sync::Arc,
};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    AuthEvent, EventSource, PowerLevels, Rn, Skid,
    view::{Create, View},
};

/// The power events among the full conflicted set, with those in their auth chains that are in the
/// set too, in their order. Chains are followed inside of the set only, as in Synapse.
pub(super) fn power_events(full: &FxHashSet<Rn>, source: &impl EventSource) -> Vec<Rn> {
    let mut to_visit: Vec<&AuthEvent> = full
        .iter()
        .filter_map(|rn| source.event(*rn))
        .filter(|event| event.is_power_event())
        .collect();
    let mut edges: FxHashMap<Rn, BTreeSet<Rn>> = FxHashMap::default();
    while let Some(event) = to_visit.pop() {
        if edges.contains_key(&event.rn) {
            continue;
        }
        let auth = || event.auth.iter().filter(|rn| full.contains(rn));
        edges.insert(event.rn, auth().copied().collect());
        to_visit.extend(auth().filter_map(|rn| source.event(*rn)));
    }
    sort(edges, source)
}

/// Kahn's algorithm from the oldest events on. Among events that are free to go the one whose
/// sender has the highest level comes first, then the one with the smaller timestamp, then the one
/// with the smaller id (as text, which is another order than that of the hash's bytes).
fn sort(mut edges: FxHashMap<Rn, BTreeSet<Rn>>, source: &impl EventSource) -> Vec<Rn> {
    let levels = SenderLevels::new(source);
    let key = |rn: Rn| {
        source.event(rn).map(|event| {
            let ts = event.pdu.origin_server_ts();
            Reverse((Reverse(levels.of(event)), ts, event.pdu.event_id(), rn))
        })
    };
    let mut children: FxHashMap<Rn, Vec<Rn>> = FxHashMap::default();
    for (rn, auth) in &edges {
        for to in auth {
            children.entry(*to).or_default().push(*rn);
        }
    }
    let free = edges.iter().filter(|(_, auth)| auth.is_empty());
    let mut queue: BinaryHeap<_> = free.filter_map(|(rn, _)| key(*rn)).collect();
    let mut sorted = Vec::with_capacity(edges.len());
    while let Some(Reverse((.., rn))) = queue.pop() {
        sorted.push(rn);
        for child in children.remove(&rn).unwrap_or_default() {
            let Some(auth) = edges.get_mut(&child) else {
                continue;
            };
            auth.remove(&rn);
            if auth.is_empty() {
                queue.extend(key(child));
            }
        }
    }
    sorted
}

/// The level that a sender had when sending: by the power levels event that the event itself names.
struct SenderLevels<'a, S> {
    source: &'a S,
    create: Option<Arc<Create>>,
    power_levels: Option<Skid>,
}

impl<'a, S: EventSource> SenderLevels<'a, S> {
    fn new(source: &'a S) -> Self {
        let create = source.create().and_then(|rn| source.event(rn));
        Self {
            source,
            create: create.and_then(|event| match event.view() {
                View::Create(create) => Some(Arc::clone(create)),
                _ => None,
            }),
            power_levels: source.skid("m.room.power_levels", ""),
        }
    }

    fn of(&self, event: &AuthEvent) -> i64 {
        let auth = event.auth.iter().filter_map(|rn| self.source.event(*rn));
        let cited = auth
            .filter(|auth| Some(auth.skid) == self.power_levels)
            .find_map(|auth| match auth.view() {
                View::PowerLevels(levels) => Some(Arc::clone(levels)),
                _ => None,
            });
        let Some(create) = &self.create else {
            return cited.map_or(0, |levels| levels.user(event.pdu.sender()));
        };
        let privileged_creators = event.pdu.rules().privileged_creators;
        PowerLevels::from_parts(Arc::clone(create), privileged_creators, cited)
            .for_user(event.pdu.sender())
    }
}
