//! Names of rooms, unique on the server.
//!
//! A name is reserved first, then the room is made, then the reservation is marked live. One that
//! stayed pending belongs to a request that died, and is free for takeover after a minute.

use gantry_model::id::{OwnedRoomId, RoomId};
use gantry_store::hash16;
use gantry_store::schema::UNIQ;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Workspace};

/// The kind of these reservations among all of the table.
const KIND: &str = "rc_room_name";

/// How long a reservation may be pending, in milliseconds.
const PENDING_MS: i64 = 60_000;

/// A name that waits for its room.
#[derive(Debug)]
pub struct NameReservation {
    key: Vec<u8>,
    row: Row,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    kind: String,
    name: String,
    /// `None`: pending.
    room: Option<OwnedRoomId>,
    reserved_ts: i64,
    /// Tells two reservations at the same time apart.
    nonce: i64,
    v: i64,
}

impl Workspace {
    /// Reserves a name, letter case aside. [`Error::NameTaken`] if it is somebody else's.
    pub async fn reserve_room_name(&self, name: &str) -> Result<NameReservation> {
        let key = key(name);
        let before = self.inner.store.get::<Row>(UNIQ, &key).await?;
        let now = self.inner.clock.now_ms();
        if let Some(before) = &before
            && (before.room.is_some() || before.reserved_ts + PENDING_MS > now)
        {
            return Err(Error::NameTaken);
        }
        let expected = before.map(|before| before.v);
        let row = Row {
            kind: KIND.to_owned(),
            name: name.to_owned(),
            room: None,
            reserved_ts: now,
            nonce: self.inner.rng.next_u64() as i64,
            v: expected.unwrap_or(0) + 1,
        };
        let reserved = self
            .inner
            .store
            .put_if(UNIQ, key.clone(), expected, &row)
            .await?;
        if reserved {
            Ok(NameReservation { key, row })
        } else {
            Err(Error::NameTaken)
        }
    }

    /// The room was made: the name is its from now on.
    pub async fn confirm_room_name(
        &self,
        reservation: NameReservation,
        room: &RoomId,
    ) -> Result<()> {
        let NameReservation { key, row } = reservation;
        let expected = Some(row.v);
        let row = Row {
            room: Some(room.to_owned()),
            v: row.v + 1,
            ..row
        };
        let confirmed = self.inner.store.put_if(UNIQ, key, expected, &row).await?;
        if confirmed {
            Ok(())
        } else {
            Err(Error::NameTaken)
        }
    }

    /// The room was not made: the name is free again.
    pub async fn release_room_name(&self, reservation: NameReservation) -> Result<()> {
        let NameReservation { key, row } = reservation;
        let expected = Some(row.v);
        let row = Row {
            reserved_ts: 0,
            v: row.v + 1,
            ..row
        };
        // If it is not ours any more, somebody took it over.
        self.inner.store.put_if(UNIQ, key, expected, &row).await?;
        Ok(())
    }

    /// The room of a name.
    pub async fn room_of_name(&self, name: &str) -> Result<Option<OwnedRoomId>> {
        Ok(self
            .inner
            .store
            .get::<Row>(UNIQ, &key(name))
            .await?
            .and_then(|row| row.room))
    }
}

fn key(name: &str) -> Vec<u8> {
    hash16(&[KIND.as_bytes(), name.to_lowercase().as_bytes()]).to_vec()
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::testing::{room, workspace, workspace_with_clock};

    #[tokio::test]
    async fn a_name_belongs_to_one_room() {
        let (workspace, _dir) = workspace().await;

        let reserved = workspace.reserve_room_name("General").await.unwrap();
        let other = workspace.reserve_room_name("general").await;
        assert_eq!(workspace.room_of_name("general").await.unwrap(), None);
        workspace
            .confirm_room_name(reserved, &room("here"))
            .await
            .unwrap();

        assert!(matches!(other, Err(Error::NameTaken)));
        assert_eq!(
            workspace.room_of_name("GENERAL").await.unwrap(),
            Some(room("here"))
        );
        let later = workspace.reserve_room_name("general").await;
        assert!(matches!(later, Err(Error::NameTaken)));
    }

    #[tokio::test]
    async fn a_name_that_is_given_back_or_forgotten_is_free() {
        let (workspace, clock, _dir) = workspace_with_clock().await;

        let reserved = workspace.reserve_room_name("a").await.unwrap();
        workspace.release_room_name(reserved).await.unwrap();
        let again = workspace.reserve_room_name("a").await.unwrap();
        clock.advance(60_001);
        let taken_over = workspace.reserve_room_name("a").await.unwrap();

        workspace
            .confirm_room_name(taken_over, &room("here"))
            .await
            .unwrap();
        let late = workspace.confirm_room_name(again, &room("there")).await;
        assert!(matches!(late, Err(Error::NameTaken)));
    }
}
