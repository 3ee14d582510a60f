//! What can be read of rooms.

use std::{ops::Bound, sync::Arc};

use gantry_model::{
    Pdu, RoomVersion,
    id::{EventId, OwnedEventId, RoomId, ServerName},
    pdu::event_hash,
};
use gantry_store::{Cut, Position, Scan, schema::ROOM};

use crate::{
    Direction, Error, Page, Result, RoomEvent, RoomView, Rooms, TimelineKey,
    actor::Task,
    codec::{EntryDoc, Hash},
    load::binary,
};

impl Rooms {
    /// The room as it is now; `None`: we have never been in it.
    pub async fn view(&self, room: &RoomId) -> Result<Option<RoomView>> {
        self.heed_others().await?;
        let Some(room) = self.find(room).await? else {
            return Ok(None);
        };
        let ready = room.shared.settled_view();
        let view = match ready.filter(|_| self.store().is_fresh()) {
            Some(view) => Some(view),
            None => {
                self.tell(&room, Task::Look).await?;
                room.shared.view.read().clone()
            }
        };
        Ok(view.filter(|view| !view.is_empty()))
    }

    /// The room as it is now, if it is in memory and nothing is known to be newer.
    pub async fn view_in_memory(&self, room: &RoomId) -> Result<Option<RoomView>> {
        self.heed_others().await?;
        let room = self.0.rooms.lock().get(room).cloned();
        let view = room.and_then(|room| room.shared.settled_view());
        Ok(view.filter(|view| !view.is_empty() && self.store().is_fresh()))
    }

    /// The room as it is now, or [`Error::UnknownRoom`].
    pub async fn get(&self, room: &RoomId) -> Result<RoomView> {
        self.view(room).await?.ok_or(Error::UnknownRoom)
    }

    /// The room's version.
    pub async fn version(&self, room: &RoomId) -> Result<Option<RoomVersion>> {
        Ok(self.find(room).await?.map(|room| room.shared.version))
    }

    /// The event of an id, if it is in the room's log.
    pub async fn event(&self, room: &RoomId, id: &EventId) -> Result<Option<RoomEvent>> {
        match self.view(room).await? {
            Some(view) => self.event_in(&view, id).await,
            None => Ok(None),
        }
    }

    /// The event of an id in whatever room it is.
    pub async fn find_event(&self, id: &EventId) -> Result<Option<RoomEvent>> {
        // An id is a hash in standard or URL-safe base64, or text: three forms to look for.
        for version in [RoomVersion::V12, RoomVersion::V3, RoomVersion::V1] {
            let hash = event_hash(id, version.rules());
            let scan = Scan::index("le_any", vec![binary(&hash)]).limit(4);
            for (entry_key, entry) in self.store().scan::<EntryDoc>(ROOM, scan).await? {
                let Some(room) = self.name(entry.rid as u64).await? else {
                    continue;
                };
                let Some(view) = self.view(&room).await? else {
                    continue;
                };
                let event = self.events_of(&view, vec![(entry_key, entry)]).await?.pop();
                if let Some(event) = event.filter(|event| event.event_id() == id) {
                    return Ok(Some(event));
                }
            }
        }
        Ok(None)
    }

    /// The event that bears a Rocket.Chat id.
    pub async fn find_by_rc(&self, rc: &str) -> Result<Option<RoomEvent>> {
        let scan = Scan::index("rc", vec![rc.into()]).limit(1);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        self.located(rows).await
    }

    /// The event of a hash: 32 bytes, or the first 16 of them.
    pub async fn find_by_hash(&self, room: &RoomId, prefix: &[u8]) -> Result<Option<RoomEvent>> {
        let Some(view) = self.view(room).await? else {
            return Ok(None);
        };
        let mut high = prefix.to_vec();
        high.resize(32, 0xff);
        let mut low = prefix.to_vec();
        low.resize(32, 0);
        let scan = Scan::index("le", vec![(view.rid() as i64).into()])
            .between(
                Bound::Included(binary(&low)),
                Bound::Included(binary(&high)),
            )
            .limit(1);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        Ok(self.events_of(&view, rows).await?.pop())
    }

    /// The event of any room whose hash begins with 16 bytes; `None` also if there are several.
    pub async fn find_by_hash_prefix(&self, prefix: [u8; 16]) -> Result<Option<RoomEvent>> {
        let bound = |fill: u8| {
            let mut bytes = prefix.to_vec();
            bytes.resize(32, fill);
            Bound::Included(binary(&bytes))
        };
        let scan = Scan::index("le_any", Vec::new())
            .between(bound(0), bound(0xff))
            .limit(2);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        if rows.len() == 1 {
            self.located(rows).await
        } else {
            Ok(None)
        }
    }

    /// The event at a position of the stream; `None` if none of the log stands there.
    pub async fn entry_at(&self, position: Position) -> Result<Option<RoomEvent>> {
        let place = vec![i64::from(position.w).into(), (position.s as i64).into()];
        let filler = self
            .store()
            .changes(
                &before(&self.store_cut(), position),
                &upto(&self.store_cut(), position),
            )
            .await?;
        if !filler
            .iter()
            .any(|change| change.position == position && change.table == ROOM)
        {
            return Ok(None);
        }
        let rows = self
            .store()
            .scan::<EntryDoc>(ROOM, Scan::index("ws", place).limit(1))
            .await?;
        self.located(rows).await
    }

    async fn located(&self, rows: Vec<(Vec<u8>, EntryDoc)>) -> Result<Option<RoomEvent>> {
        let Some((_, entry)) = rows.first() else {
            return Ok(None);
        };
        let Some(room) = self.name(entry.rid as u64).await? else {
            return Ok(None);
        };
        let Some(view) = self.view(&room).await? else {
            return Ok(None);
        };
        Ok(self.events_of(&view, rows).await?.pop())
    }

    /// An event, also one that is in no log.
    pub async fn pdu(&self, room: &RoomId, id: &EventId) -> Result<Option<Arc<Pdu>>> {
        let Some(view) = self.view(room).await? else {
            return Ok(None);
        };
        let hash = event_hash(id, view.rules());
        if let Some(rn) = view.dag().find(&hash) {
            return Ok(view.pdu_by_number(rn));
        }
        if let Some(event) = self.event_in(&view, id).await? {
            return Ok(Some(event.pdu));
        }
        let outlier = crate::view::outlier(self.store(), view.rid(), view.version(), &hash).await?;
        Ok(outlier.map(|(pdu, _)| Arc::new(pdu)))
    }

    /// A page of the timeline: before `from` (the end of the log) or from there on, not past `to`.
    pub async fn timeline(
        &self,
        room: &RoomId,
        from: Option<TimelineKey>,
        to: Option<TimelineKey>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        let view = self.get(room).await?;
        let from = from.unwrap_or(match direction {
            Direction::Backward => TimelineKey::END,
            Direction::Forward => TimelineKey::START,
        });
        self.timeline_in(&view, from, to, direction, limit).await
    }

    /// The events that relate to an event, oldest first.
    pub async fn relations(&self, room: &RoomId, target: &EventId) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        self.relations_in(&view, target).await
    }

    /// Whether a server has a joined member in the room.
    pub async fn is_server_in_room(&self, server: &ServerName, room: &RoomId) -> Result<bool> {
        Ok(self
            .view(room)
            .await?
            .is_some_and(|view| view.servers().contains(server)))
    }

    /// The ids of events by their hashes.
    pub(crate) fn ids(view: &RoomView, ids: &[OwnedEventId]) -> Vec<Hash> {
        ids.iter().map(|id| event_hash(id, view.rules())).collect()
    }
}

/// The cut right before a position.
fn before(cut: &Cut, position: Position) -> Cut {
    upto(
        cut,
        Position {
            w: position.w,
            s: position.s.saturating_sub(1),
        },
    )
}

/// The cut that ends at a position of its writer and has nothing of the others.
fn upto(cut: &Cut, position: Position) -> Cut {
    let mut end = Cut::new(cut.generation());
    end.advance(position);
    end
}
