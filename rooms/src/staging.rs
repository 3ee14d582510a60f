//! Acknowledged events of other servers that are not worked off yet.

use std::ops::Bound;

use gantry_model::{
    Object, Pdu, Value,
    canonical_json::{object_to_bytes, parse_object},
    id::{EventId, OwnedEventId, OwnedRoomId, OwnedServerName, RoomId, ServerName},
};
use gantry_store::{Batch, Blob, Key, Scan, concat, hash16, schema::STAGING, to_document};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// An acknowledged event that waits.
#[derive(Debug, Clone)]
pub struct Staged {
    /// Who sent it.
    pub origin: OwnedServerName,
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event's id.
    pub event_id: OwnedEventId,
    /// The event as it was received, without `unsigned`.
    pub object: Object,
    /// When it was received, in milliseconds.
    pub received: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct StagedDoc {
    origin: OwnedServerName,
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    received: i64,
    body: Blob,
}

fn staging_key(room: &RoomId, event: &EventId) -> Key {
    concat(&[&hash16(&[room.as_bytes()]), &hash16(&[event.as_bytes()])])
}

/// The place of a room among those that have events waiting.
#[derive(Debug, Clone)]
pub struct StagedPlace(Key);

/// The last key that an event of the room can have.
fn end_of(room: &[u8]) -> Key {
    concat(&[room, &[0xff; 16]])
}

/// The events in the order in which they came; those of one transaction by their depth.
fn opened(rows: Vec<(Key, StagedDoc)>) -> Result<Vec<Staged>> {
    let mut opened = Vec::with_capacity(rows.len());
    for (_, doc) in rows {
        let object =
            parse_object(&doc.body).map_err(|_| Error::Broken("a staged event is not JSON"))?;
        let depth = object.get("depth").and_then(Value::as_int);
        let staged = Staged {
            origin: doc.origin,
            room_id: doc.room_id,
            event_id: doc.event_id,
            object,
            received: doc.received,
        };
        opened.push(((doc.received, depth), staged));
    }
    opened.sort_by_key(|(order, _)| *order);
    Ok(opened.into_iter().map(|(_, staged)| staged).collect())
}

/// Events that one read of the staging brings.
const PAGE: usize = 1000;

impl Rooms {
    /// Keeps events until they are worked off. When this returns, the transaction that brought them
    /// may be acknowledged.
    pub async fn stage(&self, origin: &ServerName, pdus: &[Pdu]) -> Result<()> {
        let mut batch = Batch::new();
        for pdu in pdus {
            let doc = StagedDoc {
                origin: origin.to_owned(),
                room_id: pdu.room_id().to_owned(),
                event_id: pdu.event_id().to_owned(),
                received: self.clock().now_ms(),
                body: Blob(object_to_bytes(pdu.object())),
            };
            let key = staging_key(pdu.room_id(), pdu.event_id());
            batch.put(STAGING, key, to_document(STAGING, &doc)?);
        }
        if !batch.is_empty() {
            self.store().commit(batch).await?;
        }
        Ok(())
    }

    /// The events of one room that wait, in the order in which they came, with the room's place. The
    /// rooms come one after the other: give the place of the last one, `None` for the first room.
    pub async fn staged_room(
        &self,
        after: Option<StagedPlace>,
    ) -> Result<Option<(Vec<Staged>, StagedPlace)>> {
        let from = match after {
            Some(StagedPlace(room)) => Bound::Excluded(end_of(&room)),
            None => Bound::Unbounded,
        };
        let scan = Scan::range(from, Bound::Unbounded).limit(1);
        let next = self.store().scan::<StagedDoc>(STAGING, scan).await?;
        let Some((key, _)) = next.first() else {
            return Ok(None);
        };
        let room = key.get(..16).ok_or(Error::Broken("a short key"))?.to_vec();
        let mut rows = Vec::new();
        let mut from = Bound::Included(room.clone());
        loop {
            let scan = Scan::range(from, Bound::Included(end_of(&room))).limit(PAGE);
            let page = self.store().scan::<StagedDoc>(STAGING, scan).await?;
            let last = page.last().map(|(key, _)| key.clone());
            let is_full = page.len() == PAGE;
            rows.extend(page);
            match last {
                Some(last) if is_full => from = Bound::Excluded(last),
                _ => return Ok(Some((opened(rows)?, StagedPlace(room)))),
            }
        }
    }

    /// Forgets an event that was worked off.
    pub async fn unstage(&self, room: &RoomId, event: &EventId) -> Result<()> {
        Ok(self
            .store()
            .delete(STAGING, staging_key(room, event))
            .await?)
    }
}
