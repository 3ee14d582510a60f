//! Joins through other servers that have not come to their end: so that one that a crash has cut
//! off is known at the next start.

use gantry_model::{
    Object,
    canonical_json::{object_to_bytes, parse_object},
    id::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId},
};
use gantry_store::{Blob, Key, Scan, concat, hash16, schema::PENDING_JOIN};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// The most joins that are looked at.
const MOST: usize = 1_000;

/// A join that another server may know of, and we do not.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingJoin {
    /// Who joins.
    pub user_id: OwnedUserId,
    /// Which room.
    pub room_id: OwnedRoomId,
    /// Servers in the room.
    pub servers: Vec<OwnedServerName>,
    /// What the user wants in the member event.
    pub content: Object,
    /// When it began, in milliseconds.
    pub since: i64,
    /// Whether it has succeeded, and only members are missing in the room's state.
    pub joined: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct PendingDoc {
    user_id: OwnedUserId,
    room_id: OwnedRoomId,
    servers: Vec<OwnedServerName>,
    content: Blob,
    since: i64,
    #[serde(default)]
    joined: bool,
}

fn pending_key(user: &UserId, room: &RoomId) -> Key {
    concat(&[&hash16(&[user.as_bytes()]), &hash16(&[room.as_bytes()])])
}

impl Rooms {
    /// Notes that a join begins.
    pub async fn put_pending_join(&self, join: &PendingJoin) -> Result<()> {
        let doc = PendingDoc {
            user_id: join.user_id.clone(),
            room_id: join.room_id.clone(),
            servers: join.servers.clone(),
            content: Blob(object_to_bytes(&join.content)),
            since: join.since,
            joined: join.joined,
        };
        let key = pending_key(&join.user_id, &join.room_id);
        Ok(self.store().put(PENDING_JOIN, key, &doc).await?)
    }

    /// The joins that began and did not end, at most 1,000.
    pub async fn pending_joins(&self) -> Result<Vec<PendingJoin>> {
        let scan = Scan::prefix(&[]).limit(MOST);
        let rows = self.store().scan::<PendingDoc>(PENDING_JOIN, scan).await?;
        rows.into_iter()
            .map(|(_, doc)| {
                let content = parse_object(&doc.content)
                    .map_err(|_| Error::Broken("a pending join is not JSON"))?;
                Ok(PendingJoin {
                    user_id: doc.user_id,
                    room_id: doc.room_id,
                    servers: doc.servers,
                    content,
                    since: doc.since,
                    joined: doc.joined,
                })
            })
            .collect()
    }

    /// Notes that a join has ended.
    pub async fn forget_pending_join(&self, user: &UserId, room: &RoomId) -> Result<()> {
        let key = pending_key(user, room);
        Ok(self.store().delete(PENDING_JOIN, key).await?)
    }
}
