//! Memberships of rooms that we are not in: invites and knocks, and their end. They stand in the
//! stream like everything that a client sees.

use gantry_model::{
    Object, Value,
    canonical_json::{object_to_bytes, parse_object},
    id::{OwnedRoomId, RoomId, UserId},
};
use gantry_store::{Batch, Blob, Key, Op, Scan, Stamp, concat, hash16, schema::DATA, to_document};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// The kind of these documents among the data of a user.
pub const OUT_OF_BAND: u8 = b'o';

/// What a user has to do with a room that we are not in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutOfBandKind {
    /// Invited.
    Invite,
    /// Has knocked.
    Knock,
    /// Nothing any more.
    Gone,
}

/// A membership of a room that we are not in.
#[derive(Debug, Clone, PartialEq)]
pub struct OutOfBand {
    /// The room.
    pub room_id: OwnedRoomId,
    /// What it is.
    pub kind: OutOfBandKind,
    /// The member event.
    pub event: Object,
    /// The state that the other server showed of the room.
    pub stripped: Vec<Object>,
    /// The room's version, if the other server named it.
    pub version: Option<String>,
    /// Where the room's log ended when this was written.
    log_pos: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct OutOfBandDoc {
    room_id: OwnedRoomId,
    kind: OutOfBandKind,
    event: Blob,
    stripped: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    log_pos: i64,
    v: i64,
}

fn data_key(user: &UserId, room: &RoomId) -> Key {
    concat(&[
        &hash16(&[user.as_bytes()]),
        &[OUT_OF_BAND],
        &hash16(&[room.as_bytes()]),
    ])
}

impl Rooms {
    /// The invites and knocks of a user, and their ends, in rooms that we are not in. Those that
    /// the log of the room has overtaken are left out.
    pub async fn out_of_band(&self, user: &UserId) -> Result<Vec<OutOfBand>> {
        let prefix = concat(&[&hash16(&[user.as_bytes()]), &[OUT_OF_BAND]]);
        let mut found = Vec::new();
        for (_, doc) in self
            .store()
            .scan::<OutOfBandDoc>(DATA, Scan::prefix(&prefix))
            .await?
        {
            let row = self.membership_of(user, &doc.room_id).await?;
            if row.is_some_and(|row| row.pos() > doc.log_pos as u64) {
                continue;
            }
            let joined = match self.view(&doc.room_id).await? {
                Some(view) => view.is_joined_locally(),
                None => false,
            };
            if !joined {
                found.push(doc.open()?);
            }
        }
        Ok(found)
    }

    /// The invite or knock of a user in one room.
    pub async fn out_of_band_of(&self, user: &UserId, room: &RoomId) -> Result<Option<OutOfBand>> {
        let found = self.out_of_band(user).await?;
        Ok(found.into_iter().find(|one| one.room_id == room))
    }

    /// Writes down what a user has to do with a room that we are not in.
    pub async fn put_out_of_band(
        &self,
        user: &UserId,
        room: &RoomId,
        kind: OutOfBandKind,
        event: Object,
        stripped: Vec<Object>,
        version: Option<String>,
    ) -> Result<()> {
        const TRIES: usize = 10;
        if kind != OutOfBandKind::Gone {
            self.require_open(room).await?;
        }
        let key = data_key(user, room);
        let log_pos = self.view(room).await?.map_or(0, |view| view.pos());
        for _ in 0..TRIES {
            let old: Option<OutOfBandDoc> = self.store().get(DATA, &key).await?;
            let expected = old.map(|old| old.v);
            let items: Vec<Value> = stripped.iter().cloned().map(Value::Object).collect();
            let doc = OutOfBandDoc {
                room_id: room.to_owned(),
                kind,
                event: Blob(object_to_bytes(&event)),
                stripped: Blob(Value::Array(items).to_bytes()),
                version: version.clone(),
                log_pos: log_pos as i64,
                v: expected.unwrap_or(0) + 1,
            };
            let mut batch = Batch::new();
            let doc = to_document(DATA, &doc)?;
            batch.push(
                Op::PutIf {
                    table: DATA,
                    key: key.clone(),
                    expected,
                    doc,
                },
                Stamp::Position,
            );
            if self
                .store()
                .commit(batch)
                .await?
                .iter()
                .all(gantry_store::Outcome::is_applied)
            {
                return Ok(());
            }
        }
        Err(Error::Contention)
    }

    /// Ends an invite or knock: clients learn that it is gone.
    pub async fn remove_out_of_band(&self, user: &UserId, room: &RoomId) -> Result<()> {
        let kind = OutOfBandKind::Gone;
        self.put_out_of_band(user, room, kind, Object::new(), Vec::new(), None)
            .await
    }
}

impl OutOfBandDoc {
    fn open(self) -> Result<OutOfBand> {
        let broken = |_| Error::Broken("an invite is not JSON");
        let event = parse_object(&self.event).map_err(broken)?;
        let stripped = match Value::parse(&self.stripped).map_err(broken)? {
            Value::Array(items) => items
                .into_iter()
                .filter_map(|item| {
                    if let Value::Object(item) = item {
                        Some(item)
                    } else {
                        None
                    }
                })
                .collect(),
            _ => Vec::new(),
        };
        Ok(OutOfBand {
            room_id: self.room_id,
            kind: self.kind,
            event,
            stripped,
            version: self.version,
            log_pos: self.log_pos as u64,
        })
    }
}
