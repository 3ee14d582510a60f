//! Finding events by what they relate to, and by when they were sent.

use std::ops::Bound;

use gantry_model::{
    id::{EventId, OwnedEventId, RoomId},
    pdu::event_hash,
};
use gantry_store::{Blob, Key, Scan, schema::ROOM};
use serde::Deserialize;

use crate::{
    Direction, Result, RoomEvent, Rooms,
    codec::{EntryDoc, log_place},
    load::binary,
    relations::REDACTION,
};

/// The most entries that are counted for one event.
const MAX_COUNTED: usize = 50_000;

/// What relates to one event.
#[derive(Debug, Clone, Default)]
pub struct Related {
    /// The newest events, oldest first; redactions are not among them.
    pub events: Vec<RoomEvent>,
    /// Whether there are older ones.
    pub more: bool,
}

/// What of an entry tells when it was sent. State events have bodies with a time, too; those have
/// no place in the timeline.
#[derive(Deserialize)]
struct TimedRow {
    tk: Option<Blob>,
}

impl Rooms {
    /// What relates to each of these events, at most `limit` for each, in one read.
    pub async fn related(
        &self,
        room: &RoomId,
        targets: &[OwnedEventId],
        limit: usize,
    ) -> Result<Vec<Related>> {
        let view = self.get(room).await?;
        let scans = targets.iter().map(|target| {
            let hash = binary(&event_hash(target, view.rules()));
            Scan::index("rel", vec![(view.rid() as i64).into(), hash])
                .reverse()
                .limit(limit)
        });
        let found = self
            .store()
            .multi_scan::<EntryDoc>(ROOM, scans.collect())
            .await?;
        let mut related = Vec::with_capacity(found.len());
        for mut rows in found {
            let more = rows.len() == limit;
            rows.retain(|(_, entry)| {
                entry.tk.is_some() && entry.rel.as_ref().is_some_and(|rel| rel.kind != REDACTION)
            });
            rows.reverse();
            let events = if rows.is_empty() {
                Vec::new()
            } else {
                self.events_of(&view, rows).await?
            };
            related.push(Related { events, more });
        }
        Ok(related)
    }

    /// How many events relate to an event in one way, whoever may see them.
    pub async fn count_related(&self, room: &RoomId, target: &EventId, kind: &str) -> Result<u64> {
        let view = self.get(room).await?;
        let hash = binary(&event_hash(target, view.rules()));
        let scan = Scan::index("rel", vec![(view.rid() as i64).into(), hash])
            .light()
            .limit(MAX_COUNTED);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        let counted = rows.iter().filter(|(_, entry)| {
            entry.tk.is_some() && entry.rel.as_ref().is_some_and(|rel| rel.kind == kind)
        });
        Ok(counted.count() as u64)
    }

    /// The events that were sent at `ts` (milliseconds) or later, or at `ts` or earlier; the
    /// nearest first, and those of one moment in the order of the direction.
    pub async fn events_around(
        &self,
        room: &RoomId,
        ts: i64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let scan = Scan::index("ts", vec![(view.rid() as i64).into()]);
        let at = Bound::Included(ts.into());
        let scan = match direction {
            Direction::Forward => scan.between(at, Bound::Unbounded),
            Direction::Backward => scan.between(Bound::Unbounded, at).reverse(),
        };
        let scan = scan.light().limit(limit);
        let rows = self.store().scan::<TimedRow>(ROOM, scan).await?;
        let keys: Vec<Key> = rows
            .into_iter()
            .filter(|(key, row)| log_place(key).is_some() && row.tk.is_some())
            .map(|(key, _)| key)
            .collect();
        let entries = self.store().multi_get::<EntryDoc>(ROOM, &keys).await?;
        let rows = keys.into_iter().zip(entries);
        let rows = rows.filter_map(|(key, entry)| Some((key, entry?)));
        let mut events = self.events_of(&view, rows.collect()).await?;
        events.sort_by(|a, b| {
            let order = (a.pdu.origin_server_ts(), a.key).cmp(&(b.pdu.origin_server_ts(), b.key));
            match direction {
                Direction::Forward => order,
                Direction::Backward => order.reverse(),
            }
        });
        Ok(events)
    }
}
