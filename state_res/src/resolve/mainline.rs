//! The mainline ordering.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/v2/#definitions>.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::auth_chain::{auth_of, skid_of};
use crate::{EventSource, Rn, Skid};

/// The position of events that have no power levels event of the mainline in their past.
const INFINITE: u32 = u32::MAX;

/// The mainline of a power levels event, and the positions on it that were found so far.
struct Mainline<'a, S> {
    source: &'a S,
    power_levels: Option<Skid>,
    positions: FxHashMap<Rn, u32>,
}

/// Sorts events by the mainline of `power_levels`: those whose levels are the oldest first, then by
/// timestamp, then by id.
pub(super) fn sort(events: &mut [Rn], power_levels: Option<Rn>, source: &impl EventSource) {
    let mut mainline = Mainline::of(power_levels, source);
    events.sort_by_cached_key(|rn| {
        let position = mainline.position(*rn);
        let of_event = source
            .event(*rn)
            .map(|event| (event.pdu.origin_server_ts(), event.pdu.event_id()));
        (Reverse(position), of_event)
    });
}

impl<'a, S: EventSource> Mainline<'a, S> {
    fn of(power_levels: Option<Rn>, source: &'a S) -> Self {
        let mut mainline = Self {
            source,
            power_levels: source.skid("m.room.power_levels", ""),
            positions: FxHashMap::default(),
        };
        let mut next = power_levels;
        while let Some(rn) = next {
            let position = mainline.positions.len() as u32;
            mainline.positions.insert(rn, position);
            next = mainline.cited(rn);
        }
        mainline
    }

    /// The power levels event among an event's auth events.
    fn cited(&self, rn: Rn) -> Option<Rn> {
        self.power_levels?;
        let mut auth = auth_of(self.source, rn).iter().copied();
        auth.find(|rn| {
            skid_of(self.source, *rn) == self.power_levels && self.source.event(*rn).is_some()
        })
    }

    fn position(&mut self, rn: Rn) -> u32 {
        let mut off_mainline = Vec::new();
        let mut next = self.cited(rn);
        let position = loop {
            let Some(rn) = next else { break INFINITE };
            if let Some(position) = self.positions.get(&rn) {
                break *position;
            }
            off_mainline.push(rn);
            next = self.cited(rn);
        };
        for rn in off_mainline {
            self.positions.insert(rn, position);
        }
        position
    }
}
