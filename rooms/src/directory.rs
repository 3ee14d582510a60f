//! The public directory: which rooms this server shows to everybody.

use gantry_model::id::{OwnedRoomId, RoomId};
use gantry_store::{Key, Scan, schema::DIRECTORY};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

#[derive(Debug, Serialize, Deserialize)]
struct PublishedDoc {
    room_id: OwnedRoomId,
}

fn directory_key(rid: u64) -> Key {
    rid.to_be_bytes().to_vec()
}

impl Rooms {
    /// Shows a room in the directory.
    pub async fn publish(&self, room: &RoomId) -> Result<()> {
        let rid = self.number(room).await?.ok_or(Error::UnknownRoom)?;
        let doc = PublishedDoc {
            room_id: room.to_owned(),
        };
        Ok(self
            .store()
            .put(DIRECTORY, directory_key(rid), &doc)
            .await?)
    }

    /// Takes a room out of the directory.
    pub async fn unpublish(&self, room: &RoomId) -> Result<()> {
        let rid = self.number(room).await?.ok_or(Error::UnknownRoom)?;
        Ok(self.store().delete(DIRECTORY, directory_key(rid)).await?)
    }

    /// Whether the directory shows a room.
    pub async fn is_published(&self, room: &RoomId) -> Result<bool> {
        let Some(rid) = self.number(room).await? else {
            return Ok(false);
        };
        let found: Option<PublishedDoc> = self.store().get(DIRECTORY, &directory_key(rid)).await?;
        Ok(found.is_some())
    }

    /// All rooms of the directory.
    pub async fn published(&self) -> Result<Vec<OwnedRoomId>> {
        let rows = self
            .store()
            .scan::<PublishedDoc>(DIRECTORY, Scan::prefix(&[]))
            .await?;
        Ok(rows.into_iter().map(|(_, doc)| doc.room_id).collect())
    }
}
