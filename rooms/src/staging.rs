//! Acknowledged events of other servers that are not worked off yet.

use gantry_model::{
    Object, Pdu,
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

    /// The events that wait, at most 1,000 of them, in the order in which they came.
    pub async fn staged(&self) -> Result<Vec<Staged>> {
        let scan = Scan::prefix(&[]).limit(PAGE);
        let mut rows = self.store().scan::<StagedDoc>(STAGING, scan).await?;
        rows.sort_by_key(|(_, doc)| doc.received);
        rows.into_iter()
            .map(|(_, doc)| {
                let object = parse_object(&doc.body)
                    .map_err(|_| Error::Broken("a staged event is not JSON"))?;
                Ok(Staged {
                    origin: doc.origin,
                    room_id: doc.room_id,
                    event_id: doc.event_id,
                    object,
                })
            })
            .collect()
    }

    /// Forgets an event that was worked off.
    pub async fn unstage(&self, room: &RoomId, event: &EventId) -> Result<()> {
        Ok(self
            .store()
            .delete(STAGING, staging_key(room, event))
            .await?)
    }
}
