//! What other servers ask of the graph: auth chains, states at events, events before others.

use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    sync::Arc,
};

use gantry_model::{
    Pdu,
    id::{EventId, OwnedEventId, RoomId},
    pdu::event_hash,
};
use gantry_state_res::Rn;
use gantry_store::{Scan, schema::ROOM};

use crate::{
    Result, RoomEvent, RoomView, Rooms,
    codec::{EntryDoc, Hash},
    load::binary,
};

/// Events that one request looks at, at most.
const MAX_WALK: usize = 2000;

impl Rooms {
    /// Everything that authorizes the given events, themselves excluded.
    pub async fn auth_chain(&self, room: &RoomId, of: &[OwnedEventId]) -> Result<Vec<Arc<Pdu>>> {
        let view = self.get(room).await?;
        let mut start: Vec<Rn> = Vec::new();
        for id in of {
            let hash = event_hash(id, view.rules());
            match view.dag().find(&hash) {
                Some(rn) => start.extend(auth_of(&view, rn)),
                None => {
                    if let Some(pdu) = self.pdu(room, id).await? {
                        start.extend(numbers(&view, pdu.auth_events()));
                    }
                }
            }
        }
        Ok(chain(&view, start))
    }

    /// Everything that authorizes the events of a state.
    pub fn auth_chain_of_state(&self, view: &RoomView, state: &[Arc<Pdu>]) -> Vec<Arc<Pdu>> {
        let start = state
            .iter()
            .flat_map(|pdu| numbers(view, pdu.auth_events()))
            .collect();
        chain(view, start)
    }

    /// The state before an event, if it is known.
    pub async fn state_before(&self, room: &RoomId, id: &EventId) -> Result<Option<Vec<Arc<Pdu>>>> {
        self.state_around(room, id, |event| event.sb).await
    }

    /// The state after an event, if it is known.
    pub async fn state_after(&self, room: &RoomId, id: &EventId) -> Result<Option<Vec<Arc<Pdu>>>> {
        self.state_around(room, id, |event| event.sa).await
    }

    async fn state_around(
        &self,
        room: &RoomId,
        id: &EventId,
        side: impl Fn(&RoomEvent) -> Option<crate::codec::Group>,
    ) -> Result<Option<Vec<Arc<Pdu>>>> {
        let Some(view) = self.view(room).await? else {
            return Ok(None);
        };
        let Some(event) = self.event_in(&view, id).await? else {
            return Ok(None);
        };
        let Some(group) = side(&event) else {
            return Ok(None);
        };
        let state = self.group(&view, group).await?;
        Ok(Some(
            state
                .values()
                .filter_map(|rn| view.pdu_by_number(*rn))
                .collect(),
        ))
    }

    /// The room as it was right before an event.
    pub async fn view_before(&self, room: &RoomId, event: &RoomEvent) -> Result<RoomView> {
        let view = self.get(room).await?;
        let state = self.group(&view, event.sb.unwrap_or(event.cs)).await?;
        Ok(view.at(
            state,
            event.pos.saturating_sub(1),
            0,
            crate::codec::Counts::default(),
        ))
    }

    /// Events between `earliest` and `latest`, walking back from the latest, which are not among
    /// them; oldest first.
    pub async fn missing_events(
        &self,
        room: &RoomId,
        earliest: &[OwnedEventId],
        latest: &[OwnedEventId],
        limit: usize,
        min_depth: i64,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let stop: HashSet<Hash> = Self::ids(&view, earliest).into_iter().collect();
        let start = Self::ids(&view, latest);
        let mut events = self.walk_back(&view, start, &stop, limit, false).await?;
        events.retain(|event| event.pdu.depth() >= min_depth);
        events.sort_by_key(|event| (event.pdu.depth(), event.pos));
        Ok(events)
    }

    /// The given events and those before them, newest first.
    pub async fn backfill(
        &self,
        room: &RoomId,
        from: &[OwnedEventId],
        limit: usize,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let start = Self::ids(&view, from);
        let mut events = self
            .walk_back(&view, start, &HashSet::new(), limit, true)
            .await?;
        events.sort_by_key(|event| std::cmp::Reverse((event.pdu.depth(), event.pos)));
        Ok(events)
    }

    /// Walks back along previous events, breadth first.
    async fn walk_back(
        &self,
        view: &RoomView,
        start: Vec<Hash>,
        stop: &HashSet<Hash>,
        limit: usize,
        with_start: bool,
    ) -> Result<Vec<RoomEvent>> {
        let mut seen: HashSet<Hash> = start.iter().copied().collect();
        let mut wave: VecDeque<(Hash, bool)> =
            start.into_iter().map(|hash| (hash, with_start)).collect();
        let mut found = Vec::new();
        let mut looked_at = 0;
        while let Some((hash, take)) = wave.pop_front() {
            looked_at += 1;
            if found.len() >= limit || looked_at > MAX_WALK {
                break;
            }
            let scan = Scan::index("le", vec![(view.rid() as i64).into(), binary(&hash)]).limit(1);
            let Some(row) = self.store().scan::<EntryDoc>(ROOM, scan).await?.pop() else {
                continue;
            };
            for prev in row.1.prev_hashes() {
                if !stop.contains(&prev) && seen.insert(prev) {
                    wave.push_back((prev, true));
                }
            }
            let soft = crate::EventFlags::from_bits(row.1.flags).soft;
            if take && !soft {
                found.extend(self.events_of(view, vec![row]).await?);
            }
        }
        Ok(found)
    }
}

fn auth_of(view: &RoomView, rn: Rn) -> Vec<Rn> {
    view.dag()
        .get(rn)
        .map(|event| event.auth.clone())
        .unwrap_or_default()
}

fn numbers(view: &RoomView, ids: &[OwnedEventId]) -> Vec<Rn> {
    ids.iter()
        .filter_map(|id| view.dag().find(&event_hash(id, view.rules())))
        .collect()
}

/// The events of some numbers and everything behind them. In versions where the create event is
/// in nobody's auth events it is added, because whoever gets the chain needs it.
fn chain(view: &RoomView, start: Vec<Rn>) -> Vec<Arc<Pdu>> {
    let mut seen: BTreeSet<Rn> = BTreeSet::new();
    let mut open = start;
    if view.rules().room_id_is_create_hash
        && let Some(create) = gantry_state_res::EventSource::create(view.dag())
    {
        open.push(create);
    }
    while let Some(rn) = open.pop() {
        if seen.insert(rn) {
            open.extend(auth_of(view, rn));
        }
    }
    seen.into_iter()
        .filter_map(|rn| view.pdu_by_number(rn))
        .collect()
}
