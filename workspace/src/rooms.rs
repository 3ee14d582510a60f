//! The Rocket.Chat ids of rooms.

use gantry_model::id::{OwnedRoomId, RoomId, UserId};
use gantry_store::bson::Bson;
use gantry_store::schema::{RC_ROOM, ROOM_NAME};
use gantry_store::{Scan, hash16};
use serde::{Deserialize, Serialize};

use crate::{Error, ID_LENGTH, Result, Workspace, rc_user_id};

/// The id that clients expect of the one room that everybody is in. No other room gets it.
pub const GENERAL: &str = "GENERAL";

/// How often another random id is tried.
const ATTEMPTS: usize = 8;

/// What a room is to Rocket.Chat's clients. It is decided when the room is first shown to one;
/// whether a room that is no direct one is public can change later with its join rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomKind {
    /// Public.
    #[serde(rename = "c")]
    Channel,
    /// Private.
    #[serde(rename = "p")]
    Group,
    /// Direct messages.
    #[serde(rename = "d")]
    Direct,
}

impl RoomKind {
    /// The letter that clients know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "c",
            Self::Group => "p",
            Self::Direct => "d",
        }
    }
}

/// A room under its Rocket.Chat id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcRoom {
    /// Rocket.Chat's id.
    pub rid: String,
    /// The Matrix id.
    pub room_id: OwnedRoomId,
    /// What it was when it got its id.
    pub kind: RoomKind,
}

#[derive(Serialize, Deserialize)]
struct Row {
    /// The Matrix id: unique, so that a room has one Rocket.Chat id.
    rid: OwnedRoomId,
    /// Rocket.Chat's id.
    rc: String,
    r#type: RoomKind,
}

/// What is read here of the engine's list of rooms.
#[derive(Deserialize)]
struct NamedRoom {
    room_id: OwnedRoomId,
}

impl From<Row> for RcRoom {
    fn from(row: Row) -> Self {
        Self {
            rid: row.rc,
            room_id: row.rid,
            kind: row.r#type,
        }
    }
}

impl Workspace {
    /// The room of a Rocket.Chat id.
    pub async fn room_of_rid(&self, rid: &str) -> Result<Option<RcRoom>> {
        let row = self.inner.store.get::<Row>(RC_ROOM, &key(rid)).await?;
        Ok(row.map(RcRoom::from))
    }

    /// A room under its Rocket.Chat id, if it was given one.
    pub async fn rc_room(&self, room: &RoomId) -> Result<Option<RcRoom>> {
        if let Some(found) = self.inner.by_room.get(room) {
            return Ok(Some(found));
        }
        let scan = Scan::index("rid", vec![Bson::String(room.to_string())]).limit(1);
        let found = self.inner.store.scan::<Row>(RC_ROOM, scan).await?;
        let found = found.into_iter().next().map(|(_, row)| RcRoom::from(row));
        if let Some(found) = &found {
            self.inner.by_room.put(room.to_owned(), found.clone());
        }
        Ok(found)
    }

    /// A room under its Rocket.Chat id, which it gets now if it has none. The first direct room of
    /// two users gets their ids joined; a second one is a private group like any other. `members`
    /// are those of a direct room.
    pub async fn ensure_rc_room(
        &self,
        room: &RoomId,
        kind: RoomKind,
        members: &[&UserId],
    ) -> Result<RcRoom> {
        if let Some(found) = self.rc_room(room).await? {
            return Ok(found);
        }
        if let (RoomKind::Direct, [one, other]) = (kind, members) {
            match self.insert(room, direct_rid(one, other), kind).await? {
                Some(made) => return Ok(made),
                None => match self.rc_room(room).await? {
                    Some(found) => return Ok(found),
                    None => return self.insert_random(room, RoomKind::Group).await,
                },
            }
        }
        self.insert_random(room, kind).await
    }

    /// The direct room of two users, if they have one under their joined ids.
    pub async fn direct_room(&self, one: &UserId, other: &UserId) -> Result<Option<RcRoom>> {
        self.room_of_rid(&direct_rid(one, other)).await
    }

    /// Rooms that this server has heard of, in no particular order.
    pub async fn known_rooms(&self, limit: usize) -> Result<Vec<OwnedRoomId>> {
        let scan = Scan::prefix(&[]).limit(limit);
        let rows = self.inner.store.scan::<NamedRoom>(ROOM_NAME, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row.room_id).collect())
    }

    async fn insert_random(&self, room: &RoomId, kind: RoomKind) -> Result<RcRoom> {
        for _ in 0..ATTEMPTS {
            let rid = self.inner.rng.alphanumeric(ID_LENGTH);
            if let Some(made) = self.insert(room, rid, kind).await? {
                return Ok(made);
            }
            if let Some(found) = self.rc_room(room).await? {
                return Ok(found);
            }
        }
        Err(Error::Contended)
    }

    async fn insert(&self, room: &RoomId, rc: String, kind: RoomKind) -> Result<Option<RcRoom>> {
        let row = Row {
            rid: room.to_owned(),
            rc,
            r#type: kind,
        };
        if !self
            .inner
            .store
            .insert_new(RC_ROOM, key(&row.rc), &row)
            .await?
        {
            return Ok(None);
        }
        let made = RcRoom::from(row);
        self.inner.by_room.put(room.to_owned(), made.clone());
        Ok(Some(made))
    }
}

fn key(rid: &str) -> Vec<u8> {
    hash16(&[rid.as_bytes()]).to_vec()
}

/// The id of the direct room of two users: their ids, sorted and joined.
fn direct_rid(one: &UserId, other: &UserId) -> String {
    let mut ids = [rc_user_id(one), rc_user_id(other)];
    ids.sort();
    ids.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{room, user, workspace};

    #[tokio::test]
    async fn a_room_keeps_its_id() {
        let (workspace, _dir) = workspace().await;
        let here = room("here");

        let made = workspace
            .ensure_rc_room(&here, RoomKind::Channel, &[])
            .await
            .unwrap();
        let again = workspace
            .ensure_rc_room(&here, RoomKind::Group, &[])
            .await
            .unwrap();
        let cold = Workspace::new(crate::testing::config_of(&workspace));

        assert_eq!(made.rid.len(), ID_LENGTH);
        assert_eq!(made, again);
        assert_eq!(cold.rc_room(&here).await.unwrap(), Some(made.clone()));
        assert_eq!(workspace.room_of_rid(&made.rid).await.unwrap(), Some(made));
        assert_eq!(workspace.room_of_rid("nonsense").await.unwrap(), None);
        assert_eq!(workspace.rc_room(&room("there")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_first_direct_room_of_two_has_their_ids_joined() {
        let (workspace, _dir) = workspace().await;
        let (alice, bob) = (user("alice"), user("bob"));
        let direct = RoomKind::Direct;

        let first = workspace
            .ensure_rc_room(&room("1"), direct, &[&alice, &bob])
            .await
            .unwrap();
        let second = workspace
            .ensure_rc_room(&room("2"), direct, &[&bob, &alice])
            .await
            .unwrap();

        let mut ids = [rc_user_id(&alice), rc_user_id(&bob)];
        ids.sort();
        assert_eq!(
            (first.rid.clone(), first.kind),
            (ids.concat(), RoomKind::Direct)
        );
        assert_eq!(
            (second.rid.len(), second.kind),
            (ID_LENGTH, RoomKind::Group)
        );
        assert_eq!(
            workspace.direct_room(&bob, &alice).await.unwrap(),
            Some(first)
        );
    }

    #[tokio::test]
    async fn a_room_that_several_show_at_once_gets_one_id() {
        let (workspace, _dir) = workspace().await;
        let here = room("here");

        let shown = (0..6).map(|_| workspace.ensure_rc_room(&here, RoomKind::Group, &[]));
        let shown = futures::future::join_all(shown).await;

        let first = shown[0].as_ref().unwrap();
        assert!(shown.iter().all(|one| one.as_ref().unwrap() == first));
    }
}
