//! Rooms that an administrator has closed to the users of this server.

use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use gantry_store::schema::BLOCKED_ROOM;
use gantry_store::{Key, hash16};
use serde::{Deserialize, Serialize};

use crate::{Accounts, Result};

#[derive(Serialize, Deserialize)]
struct BlockRow {
    room: OwnedRoomId,
    by: OwnedUserId,
}

impl Accounts {
    /// Closes a room to the users of this server; who is in it stays.
    pub async fn block_room(&self, room: &RoomId, by: &UserId) -> Result<()> {
        let row = BlockRow {
            room: room.to_owned(),
            by: by.to_owned(),
        };
        Ok(self.inner.store.put(BLOCKED_ROOM, key(room), &row).await?)
    }

    /// Opens it again.
    pub async fn unblock_room(&self, room: &RoomId) -> Result<()> {
        Ok(self.inner.store.delete(BLOCKED_ROOM, key(room)).await?)
    }

    /// Who closed a room, if it is closed.
    pub async fn room_blocked_by(&self, room: &RoomId) -> Result<Option<OwnedUserId>> {
        let row = self
            .inner
            .store
            .get::<BlockRow>(BLOCKED_ROOM, &key(room))
            .await?;
        Ok(row.map(|row| row.by))
    }
}

fn key(room: &RoomId) -> Key {
    hash16(&[room.as_bytes()]).to_vec()
}

#[cfg(test)]
mod tests {
    use crate::testing::{accounts, room, user};

    #[tokio::test]
    async fn a_room_is_closed_until_it_is_opened() {
        let (accounts, _dir) = accounts().await;
        let (here, admin) = (room("here"), user("admin"));

        accounts.block_room(&here, &admin).await.unwrap();
        let by = accounts.room_blocked_by(&here).await.unwrap();
        accounts.unblock_room(&here).await.unwrap();

        assert_eq!(by, Some(admin));
        assert_eq!(accounts.room_blocked_by(&here).await.unwrap(), None);
    }
}
