//! Reading the log: entries to events, pages of the timeline.

use std::{collections::HashMap, ops::Bound, sync::Arc};

use gantry_model::{
    Pdu,
    id::{EventId, OwnedEventId},
    pdu::{event_hash, event_id_of_hash},
};
use gantry_store::{Scan, schema::ROOM};

use crate::{
    EventFlags, Relation, Result, RoomEvent, RoomView, Rooms, TimelineKey,
    codec::{EntryDoc, Hash, entry_key, number},
    load::{binary, find_entry},
    redaction::{holds_by_itself, may_redact_others},
    relations::REDACTION,
};

/// The direction of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To older events.
    Backward,
    /// To newer events.
    Forward,
}

/// A page of a timeline.
#[derive(Debug, Clone)]
pub struct Page {
    /// The events in the direction of the page.
    pub events: Vec<RoomEvent>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next: Option<TimelineKey>,
    /// Going backwards, the previous events that are missing behind the last event.
    pub missing: Vec<OwnedEventId>,
}

/// The most entries that one page holds.
const MAX_PAGE: usize = 1000;

impl Rooms {
    /// A page of the timeline. Backwards it begins before `from`, forwards at `from`; it ends before
    /// it would pass `to`. Going backwards it stops at an entry with a gap behind it.
    pub(crate) async fn timeline_in(
        &self,
        view: &RoomView,
        from: TimelineKey,
        to: Option<TimelineKey>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        let limit = limit.clamp(1, MAX_PAGE);
        let (low, high) = match direction {
            Direction::Backward => (to.unwrap_or(TimelineKey::START), from),
            Direction::Forward => (from, to.unwrap_or(TimelineKey::END)),
        };
        let bounds = (
            Bound::Included(binary(low.as_bytes())),
            Bound::Excluded(binary(high.as_bytes())),
        );
        let mut scan = Scan::index("tk", vec![(view.rid() as i64).into()])
            .between(bounds.0, bounds.1)
            .limit(limit + 1);
        if direction == Direction::Backward {
            scan = scan.reverse();
        }
        let mut rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let mut missing = Vec::new();
        if direction == Direction::Backward {
            for index in 0..rows.len() {
                missing = self.missing_behind(view, &rows[index].1).await?;
                if !missing.is_empty() {
                    rows.truncate(index + 1);
                    break;
                }
            }
        }
        let last = rows.last().and_then(|(_, entry)| entry.tk.as_ref());
        let last = last.and_then(|tk| TimelineKey::from_slice(tk));
        let events = self.events_of(view, rows).await?;
        let next = match direction {
            _ if !more && missing.is_empty() => None,
            Direction::Backward => last,
            Direction::Forward => last.map(TimelineKey::next),
        };
        Ok(Page {
            events,
            next,
            missing,
        })
    }

    /// The previous events of an entry with a gap that are still missing.
    async fn missing_behind(&self, view: &RoomView, entry: &EntryDoc) -> Result<Vec<OwnedEventId>> {
        if !EventFlags::from_bits(entry.flags).gap {
            return Ok(Vec::new());
        }
        let mut missing = Vec::new();
        for hash in entry.prev_hashes() {
            if find_entry(self.store(), view.rid(), &hash).await?.is_some() {
                continue;
            }
            let rejected = view.dag().find(&hash).and_then(|rn| view.dag().get(rn));
            if rejected.is_some_and(|event| event.rejected) {
                continue;
            }
            match event_id_of_hash(&hash, view.rules()) {
                Some(id) => missing.push(id),
                None => missing.extend(Self::text_ids(view, entry, &hash)?),
            }
        }
        Ok(missing)
    }

    /// In versions 1 and 2 the ids of previous events stand in the body only.
    fn text_ids(view: &RoomView, entry: &EntryDoc, hash: &Hash) -> Result<Option<OwnedEventId>> {
        let pdu = body(view, entry)?;
        let id = pdu
            .prev_events()
            .iter()
            .find(|id| event_hash(id, view.rules()) == *hash);
        Ok(id.cloned())
    }

    /// The event of an id, if it is in the room's log.
    pub(crate) async fn event_in(
        &self,
        view: &RoomView,
        id: &EventId,
    ) -> Result<Option<RoomEvent>> {
        let hash = event_hash(id, view.rules());
        let scan = Scan::index("le", vec![(view.rid() as i64).into(), binary(&hash)]).limit(1);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        Ok(self.events_of(view, rows).await?.pop())
    }

    /// The events that relate to an event, oldest first, at most 1,000. Redactions are not among
    /// them.
    pub(crate) async fn relations_in(
        &self,
        view: &RoomView,
        target: &EventId,
    ) -> Result<Vec<RoomEvent>> {
        let hash = event_hash(target, view.rules());
        let scan =
            Scan::index("rel", vec![(view.rid() as i64).into(), binary(&hash)]).limit(MAX_PAGE);
        let mut rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        rows.retain(|(_, entry)| {
            entry.tk.is_some() && entry.rel.as_ref().is_some_and(|rel| rel.kind != REDACTION)
        });
        self.events_of(view, rows).await
    }

    /// Entries to events: bodies, redactions, relations.
    pub(crate) async fn events_of(
        &self,
        view: &RoomView,
        mut rows: Vec<(Vec<u8>, EntryDoc)>,
    ) -> Result<Vec<RoomEvent>> {
        rows.retain(|(_, entry)| !entry.is_purged() && !entry.is_control());
        // State events of an entry may be younger than the view that the caller holds.
        let view = match self.view(view.room_id()).await? {
            Some(newest) if newest.pos() > view.pos() => newest,
            _ => view.clone(),
        };
        let redactions = self.redactions_of(&view, &rows).await?;
        let mut events = Vec::with_capacity(rows.len());
        for (place, mut entry) in rows {
            let pos = number(&place)?;
            let mut flags = EventFlags::from_bits(entry.flags);
            if let Some(corrected) = view.correction(pos) {
                (entry.sb, entry.sa) = (Some(corrected.sb), Some(corrected.sa));
                flags.soft = corrected.soft;
            }
            let hash = entry.hash()?;
            let mut pdu = body(&view, &entry)?;
            let redacted_because = redactions.get(&hash).cloned();
            if redacted_because.is_some() {
                pdu = Arc::new(pdu.redacted());
            }
            let replaces = self.replaced(&view, &entry).await?;
            events.push(RoomEvent {
                position: entry.position()?,
                pos,
                key: entry.tk.as_ref().and_then(|tk| TimelineKey::from_slice(tk)),
                flags,
                txn: entry.tx.and_then(|tx| tx.device.zip(tx.id)),
                rc: entry.rc,
                relation: Relation::of(&pdu),
                membership: None,
                redacted_because,
                replaces,
                sb: entry.sb,
                sa: entry.sa,
                cs: entry.h.cs,
                pdu,
            });
        }
        Ok(events)
    }

    async fn replaced(&self, view: &RoomView, entry: &EntryDoc) -> Result<Option<Arc<Pdu>>> {
        let (Some(rn), Some(sb)) = (entry.rn, entry.sb) else {
            return Ok(None);
        };
        let Some(event) = view.dag().get(rn as u32) else {
            return Ok(None);
        };
        let before = self.group(view, sb).await?;
        let old = before.get(&event.skid).filter(|old| **old != rn as u32);
        Ok(old.and_then(|old| view.dag().shown(*old)))
    }

    /// The valid redactions of entries, by the hash of their target. Cheap in rooms where nothing
    /// was redacted.
    async fn redactions_of(
        &self,
        view: &RoomView,
        rows: &[(Vec<u8>, EntryDoc)],
    ) -> Result<HashMap<Hash, Arc<Pdu>>> {
        let mut found = HashMap::new();
        if view.counts().red == 0 || rows.is_empty() {
            return Ok(found);
        }
        let scans = rows
            .iter()
            .map(|(_, entry)| {
                let target = binary(&entry.le);
                Scan::index("rel", vec![(view.rid() as i64).into(), target]).limit(MAX_PAGE)
            })
            .collect();
        let related = self.store().multi_scan::<EntryDoc>(ROOM, scans).await?;
        for ((_, target), related) in rows.iter().zip(related) {
            for (_, entry) in related {
                let is_redaction = entry.rel.as_ref().is_some_and(|rel| rel.kind == REDACTION);
                if !is_redaction || entry.tk.is_none() {
                    continue;
                }
                let redaction = body(view, &entry)?;
                let original = body(view, target)?;
                if self.may_redact(view, &entry, &redaction, &original).await? {
                    found.insert(target.hash()?, redaction);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Whether a redaction holds.
    async fn may_redact(
        &self,
        view: &RoomView,
        entry: &EntryDoc,
        redaction: &Pdu,
        original: &Pdu,
    ) -> Result<bool> {
        if let Some(holds) = holds_by_itself(view.rules(), redaction, original) {
            return Ok(holds);
        }
        let Some(sb) = entry.sb else { return Ok(false) };
        let state = self.group(view, sb).await?;
        Ok(may_redact_others(view.dag(), &state, redaction))
    }

    /// The entries after `from` up to `to`, in the order of the log, at most `limit` from the end.
    pub(crate) async fn log_tail(
        &self,
        view: &RoomView,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, EntryDoc)>> {
        if to <= from {
            return Ok(Vec::new());
        }
        let scan = Scan::range(
            Bound::Excluded(entry_key(view.rid(), from)),
            Bound::Included(entry_key(view.rid(), to)),
        );
        Ok(self
            .store()
            .scan::<EntryDoc>(ROOM, scan.reverse().limit(limit))
            .await?)
    }

    /// The entry at a place of the log.
    pub(crate) async fn entry(&self, rid: u64, pos: u64) -> Result<Option<EntryDoc>> {
        Ok(self.store().get(ROOM, &entry_key(rid, pos)).await?)
    }
}

/// The event of an entry.
pub(crate) fn body(view: &RoomView, entry: &EntryDoc) -> Result<Arc<Pdu>> {
    view.dag().event_of(entry, view.version())
}
