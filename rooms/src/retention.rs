//! How long messages are kept: the room's wish (`m.room.retention`, MSC1763) within the server's
//! bounds.

use gantry_model::Value;
use gantry_store::{hash16, schema::META, schema::ROOM_NAME};
use serde::{Deserialize, Serialize};

use crate::{Purged, Result, RoomView, Rooms, codec::RoomDoc, pages::Pages};

/// What the server allows. Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// How long messages of rooms without a wish are kept; `None`: forever.
    pub default_ms: Option<i64>,
    /// No room keeps less.
    pub min_ms: Option<i64>,
    /// No room keeps more.
    pub max_ms: Option<i64>,
}

impl RetentionPolicy {
    /// How long a room with this wish keeps its messages; `None`: forever.
    pub fn lifetime(&self, wish_ms: Option<i64>) -> Option<i64> {
        let lifetime = match (wish_ms.or(self.default_ms), self.max_ms) {
            (Some(lifetime), Some(max)) => lifetime.min(max),
            (lifetime, max) => lifetime.or(max)?,
        };
        Some(lifetime.max(self.min_ms.unwrap_or(0)))
    }
}

/// How far a room was purged, so that what is gone is not looked at again.
#[derive(Debug, Serialize, Deserialize)]
struct PurgedTo {
    ts: i64,
}

impl RoomView {
    /// How long the room wants its messages to be kept, in milliseconds.
    pub fn retention_wish(&self) -> Option<i64> {
        let wish = self.state("m.room.retention", "")?;
        let wish = wish.content().get("max_lifetime").and_then(Value::as_int)?;
        (wish >= 0).then_some(wish)
    }
}

impl Rooms {
    /// Takes away what is older than a policy keeps it, in all rooms. Meant to be called now and
    /// then; rooms in which nothing became too old cost one look at an index.
    pub async fn apply_retention(&self, policy: &RetentionPolicy) -> Result<Purged> {
        let mut all = Purged::default();
        let mut rooms = Pages::<RoomDoc>::all(self.store(), ROOM_NAME, 500);
        while let Some(page) = rooms.next().await? {
            for (_, room) in page {
                let purged = self.retain(&room, policy).await?;
                all.events += purged.events;
                all.bytes += purged.bytes;
            }
        }
        Ok(all)
    }

    async fn retain(&self, room: &RoomDoc, policy: &RetentionPolicy) -> Result<Purged> {
        let nothing = Ok(Purged::default());
        let rid = room.rid as u64;
        let key = hash16(&[b"purged", &rid.to_be_bytes()]).to_vec();
        let done: Option<PurgedTo> = self.store().get(META, &key).await?;
        let from = done.map_or(i64::MIN, |done| done.ts);
        let now = self.clock().now_ms();
        // Only rooms with something that may be too old are loaded for their wish.
        let shortest = now.saturating_sub(policy.min_ms.unwrap_or(0));
        if !self.has_events_between(rid, from, shortest).await? {
            return nothing;
        }
        let Some(view) = self.view(&room.room_id).await? else {
            return nothing;
        };
        let Some(lifetime) = policy.lifetime(view.retention_wish()) else {
            return nothing;
        };
        let before = now.saturating_sub(lifetime);
        if from >= before || !self.has_events_between(rid, from, before).await? {
            return nothing;
        }
        let purged = self.purge_history(&room.room_id, before).await?;
        self.store()
            .put(META, key, &PurgedTo { ts: before })
            .await?;
        Ok(purged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_bounds_count_more_than_the_rooms_wish() {
        let policy = |default_ms, min_ms, max_ms| RetentionPolicy {
            default_ms,
            min_ms,
            max_ms,
        };

        let free = policy(None, None, None);
        assert_eq!(free.lifetime(None), None);
        assert_eq!(free.lifetime(Some(5)), Some(5));
        let bound = policy(Some(50), Some(10), Some(100));
        assert_eq!(bound.lifetime(None), Some(50));
        assert_eq!(bound.lifetime(Some(5)), Some(10));
        assert_eq!(bound.lifetime(Some(500)), Some(100));
        assert_eq!(policy(None, None, Some(100)).lifetime(None), Some(100));
        assert_eq!(policy(Some(500), None, Some(100)).lifetime(None), Some(100));
    }
}
