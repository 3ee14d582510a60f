//! What changed in a room between two cuts. Fed from the differences of the current state (`cd`),
//! never from "this entry is a state event". See `event-log`, section 3.

use std::{ops::Bound, sync::Arc};

use gantry_model::{
    Pdu,
    id::{OwnedRoomId, RoomId},
};
use gantry_store::{Change, Cut, Position, Scan, schema::DATA, schema::ROOM};

use crate::{
    Error, Result, RoomEvent, RoomView, Rooms, TimelineKey,
    codec::{Class, EntryDoc, entry_key, log_place, number},
};

/// What changed in a room.
#[derive(Debug, Clone)]
pub struct RoomChanges {
    /// The newest events, oldest first.
    pub events: Vec<RoomEvent>,
    /// Whether older ones were left out, or the first stands behind a gap.
    pub limited: bool,
    /// The point before the first event.
    pub prev_batch: TimelineKey,
    /// The room before the first event.
    pub start: RoomView,
    /// The room after the last event.
    pub now: RoomView,
    /// What the state has anew since the first cut, before the first event.
    pub before_timeline: Vec<Arc<Pdu>>,
}

/// A change in the stream of everything.
#[derive(Debug, Clone)]
pub struct StreamChange {
    /// Where it stands.
    pub position: Position,
    /// What it is.
    pub kind: StreamKind,
}

/// What a change in the stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamKind {
    /// An entry of a room's log.
    Room {
        /// The room.
        room: OwnedRoomId,
        /// Where in its log.
        pos: u64,
    },
    /// A document of another stream: account data, a receipt, an invite out of band.
    Data {
        /// 16 bytes of the hash of whom it belongs to.
        owner: [u8; 16],
        /// What it is.
        kind: u8,
        /// 16 bytes that tell it from its like.
        sub: [u8; 16],
    },
}

/// How many entries are read at once.
const PAGE: usize = 64;
/// How many entries are looked at in one round trip to find where a cut ends.
const PROBES: u64 = 15;
/// How many entries are looked at for one timeline.
const MOST: usize = 2000;

impl Rooms {
    /// What changed anywhere between two cuts.
    pub async fn stream_changes(&self, since: &Cut, upto: &Cut) -> Result<Vec<StreamChange>> {
        let mut changes = Vec::new();
        for change in self.store().changes(since, upto).await? {
            let position = change.position;
            if let Some(kind) = self.stream_kind(&change).await? {
                changes.push(StreamChange { position, kind });
            }
        }
        Ok(changes)
    }

    async fn stream_kind(&self, change: &Change) -> Result<Option<StreamKind>> {
        let key = &change.key;
        if change.table == ROOM
            && let Some((rid, pos)) = log_place(key)
        {
            let room = self.name(rid).await?;
            return Ok(room.map(|room| StreamKind::Room { room, pos }));
        }
        if change.table == DATA && key.len() == 33 {
            let part = |range: std::ops::Range<usize>| {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&key[range]);
                bytes
            };
            let kind = StreamKind::Data {
                owner: part(0..16),
                kind: key[16],
                sub: part(17..33),
            };
            return Ok(Some(kind));
        }
        Ok(None)
    }

    /// Where a room's log ended at a cut; 0: it had not begun.
    pub(crate) async fn pos_at(&self, view: &RoomView, cut: &Cut) -> Result<u64> {
        if view
            .position()
            .is_none_or(|position| cut.contains(position))
        {
            return Ok(view.pos());
        }
        // A cut is a prefix of every room, so the last entry that it contains can be searched for:
        // first near the end, since most cuts are not old. `low` is contained, `high` is not.
        let (mut low, mut high) = (0, view.pos());
        let back = (0..u64::BITS).map(|step| 1_u64 << step);
        let mut places: Vec<u64> = back
            .map_while(|back| high.checked_sub(back).filter(|place| *place > 0))
            .collect();
        places.reverse();
        while low + 1 < high {
            let keys: Vec<_> = places
                .iter()
                .map(|place| entry_key(view.rid(), *place))
                .collect();
            let entries = self
                .store()
                .multi_get_light::<EntryDoc>(ROOM, &keys)
                .await?;
            for (place, entry) in places.iter().zip(entries) {
                let entry = entry.ok_or(Error::Broken("the log is not dense"))?;
                if !cut.contains(entry.position()?) {
                    high = *place;
                    break;
                }
                low = *place;
            }
            places = between(low, high);
        }
        Ok(low)
    }

    /// Where a room's log ended at a cut, for comparison with [`crate::MembershipRow::pos`].
    pub async fn log_end(&self, room: &RoomId, cut: &Cut) -> Result<u64> {
        let view = self.get(room).await?;
        self.pos_at(&view, cut).await
    }

    /// The point in a room's timeline behind which everything is newer than a position.
    pub async fn end_before(&self, view: &RoomView, position: Position) -> Result<TimelineKey> {
        let mut cut = Cut::new(self.store_cut().generation());
        cut.advance(position);
        let pos = self.pos_at(view, &cut).await?;
        Ok(TimelineKey::after_live(pos))
    }

    /// The room as it was at a cut.
    pub async fn state_at(&self, room: &RoomId, at: &Cut) -> Result<RoomView> {
        let view = self.get(room).await?;
        let pos = self.pos_at(&view, at).await?;
        self.view_at(&view, pos).await
    }

    /// The room as it was when its log ended at `pos`.
    pub async fn view_at_pos(&self, room: &RoomId, pos: u64) -> Result<RoomView> {
        let view = self.get(room).await?;
        self.view_at(&view, pos.min(view.pos())).await
    }

    /// The room as it was just before a point of its timeline (`members?at=`).
    pub async fn view_at_key(&self, room: &RoomId, at: TimelineKey) -> Result<RoomView> {
        let view = self.get(room).await?;
        let anchor = u64::from_be_bytes(
            at.as_bytes()[..8]
                .try_into()
                .map_err(|_| Error::Broken("a timeline key"))?,
        );
        self.view_at(&view, anchor.saturating_sub(1).min(view.pos()))
            .await
    }

    /// The room as an event left it, but with the counters that it has now.
    pub async fn view_after(&self, view: &RoomView, event: &RoomEvent) -> Result<RoomView> {
        if event.pos == view.pos() {
            return Ok(view.clone());
        }
        let state = self.group(view, event.cs).await?;
        Ok(view.at(state, event.pos, view.updated_at(), view.counts()))
    }

    pub(crate) async fn view_at(&self, view: &RoomView, pos: u64) -> Result<RoomView> {
        if pos == view.pos() {
            return Ok(view.clone());
        }
        if pos == 0 {
            return Ok(view.at(Default::default(), 0, 0, Default::default()));
        }
        let entry = self
            .entry(view.rid(), pos)
            .await?
            .ok_or(Error::Broken("the log is not dense"))?;
        let state = self.group(view, entry.h.cs).await?;
        Ok(view.at(state, pos, entry.h.u, entry.h.n))
    }

    /// What changed in a room after `since` (or from its beginning) up to `upto`, with at most
    /// `limit` timeline events.
    pub async fn changes(
        &self,
        room: &RoomId,
        since: Option<&Cut>,
        upto: &Cut,
        limit: usize,
    ) -> Result<RoomChanges> {
        let view = self.get(room).await?;
        let from = match since {
            Some(since) => self.pos_at(&view, since).await?,
            None => 0,
        };
        let to = self.pos_at(&view, upto).await?;
        self.changes_in(&view, from, to, limit).await
    }

    /// The same between two ends of the room's log.
    pub async fn changes_between(
        &self,
        room: &RoomId,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<RoomChanges> {
        let view = self.get(room).await?;
        self.changes_in(&view, from, to.min(view.pos()), limit)
            .await
    }

    async fn changes_in(
        &self,
        view: &RoomView,
        from: u64,
        to: u64,
        limit: usize,
    ) -> Result<RoomChanges> {
        let (window, old, now) = tokio::try_join!(
            self.window(view, from, to, limit),
            self.view_at(view, from),
            self.view_at(view, to),
        )?;
        let start = match window.start {
            start if start == from => old.clone(),
            start => self.view_at(view, start).await?,
        };
        let mut rows = window.rows;
        rows.reverse();
        let prev_batch = match rows.first() {
            Some((_, entry)) => entry.tk.as_ref().and_then(|tk| TimelineKey::from_slice(tk)),
            None => None,
        };
        Ok(RoomChanges {
            limited: window.limited,
            prev_batch: prev_batch.unwrap_or(TimelineKey::after_live(to)),
            before_timeline: start.changed_since(&old),
            events: self.events_of(view, rows).await?,
            start,
            now,
        })
    }

    /// The timeline of a window of the log, read from its end.
    async fn window(&self, view: &RoomView, from: u64, to: u64, limit: usize) -> Result<Window> {
        let mut rows = Vec::new();
        let mut end = to;
        let mut seen = 0;
        let mut div_in_front = false;
        while end > from && seen < MOST {
            let page = self.log_tail(view, from, end, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for (place, entry) in page {
                let pos = number(&place)?;
                end = pos - 1;
                seen += 1;
                let flags = crate::EventFlags::from_bits(entry.flags);
                let shown = entry.cls == Class::Live as i32 && entry.tk.is_some();
                if shown && rows.len() == limit {
                    return Ok(Window {
                        rows,
                        start: pos,
                        limited: true,
                    });
                }
                if flags.div && !self.holds_itself(view, &entry).await? {
                    // Classic sync cannot express this entry: the timeline begins after it.
                    return Ok(Window {
                        rows,
                        start: pos,
                        limited: true,
                    });
                }
                if shown {
                    div_in_front |= flags.div;
                    let gap = flags.gap;
                    rows.push((place, entry));
                    if gap || div_in_front {
                        return Ok(Window {
                            rows,
                            start: pos - 1,
                            limited: true,
                        });
                    }
                }
            }
        }
        let limited = end > from;
        Ok(Window {
            rows,
            start: end,
            limited,
        })
    }

    /// Whether the state after an entry holds the entry itself.
    async fn holds_itself(&self, view: &RoomView, entry: &EntryDoc) -> Result<bool> {
        let Some(rn) = entry.rn else { return Ok(false) };
        let Some(event) = view.dag().get(rn as u32) else {
            return Ok(false);
        };
        let state = self.group(view, entry.h.cs).await?;
        Ok(state.get(&event.skid) == Some(&(rn as u32)))
    }

    /// Entries of the whole log from a position on, for readers that rebuild something.
    pub async fn log(&self, room: &RoomId, after: u64, limit: usize) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let scan = Scan::range(
            Bound::Excluded(entry_key(view.rid(), after)),
            Bound::Included(entry_key(view.rid(), u64::MAX)),
        );
        let rows = self
            .store()
            .scan::<EntryDoc>(ROOM, scan.limit(limit))
            .await?;
        self.events_of(&view, rows).await
    }
}

/// Some places of a log that stand evenly between two others.
fn between(low: u64, high: u64) -> Vec<u64> {
    let gaps = (high - low).min(PROBES + 1);
    (1..gaps)
        .map(|gap| low + (high - low) * gap / gaps)
        .collect()
}

/// A window of the log: its timeline newest first, and where the log ended before the first event
/// of it.
struct Window {
    rows: Vec<(Vec<u8>, EntryDoc)>,
    start: u64,
    limited: bool,
}
