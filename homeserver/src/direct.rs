//! Direct chats: finding the one that there is, or making one.

use std::collections::BTreeSet;

use gantry_accounts::Session;
use gantry_model::{
    Object, Value,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Membership, RoomView};

use crate::{CreateRoom, Creation, Preset, Result};

/// The account data that names a user's direct chats.
const DIRECT: &str = "m.direct";
/// The most rooms that are looked at.
const MAX_LOOKED_AT: usize = 200;

/// A direct chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectRoom {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Whether it is new.
    pub created: bool,
}

impl Creation {
    /// The direct chat of the user with exactly these others: one that `m.direct` names, or a new
    /// one. In both cases the user's `m.direct` names it afterwards.
    pub async fn direct_room(
        &self,
        session: &Session,
        others: &[OwnedUserId],
    ) -> Result<DirectRoom> {
        let wish = CreateRoom {
            preset: Some(Preset::TrustedPrivateChat),
            is_direct: true,
            invite: others.to_vec(),
            ..CreateRoom::default()
        };
        self.direct_room_like(session, others, wish).await
    }

    /// The same; a new one is made as the wish says. Its invites and `is_direct` have to fit.
    pub async fn direct_room_like(
        &self,
        session: &Session,
        others: &[OwnedUserId],
        wish: CreateRoom,
    ) -> Result<DirectRoom> {
        if let Some(room_id) = self.find_direct(session, others).await? {
            return Ok(DirectRoom {
                room_id,
                created: false,
            });
        }
        let room_id = self.create_room(session, wish).await?;
        for other in others {
            self.note_direct(&session.user_id, other, &room_id).await?;
            if self.core.is_local(other) {
                self.note_direct(other, &session.user_id, &room_id).await?;
            }
        }
        Ok(DirectRoom {
            room_id,
            created: true,
        })
    }

    async fn find_direct(
        &self,
        session: &Session,
        others: &[OwnedUserId],
    ) -> Result<Option<OwnedRoomId>> {
        let user = &session.user_id;
        let content = self.core.accounts.account_data(user, None, DIRECT).await?;
        let members: BTreeSet<&UserId> = others
            .iter()
            .map(|other| &**other)
            .chain([&**user])
            .collect();
        for room in rooms_in(&content.unwrap_or_default(), others) {
            if let Some(view) = self.core.rooms.view(&room).await?
                && is_among(&view, user, &members)
            {
                return Ok(Some(room));
            }
        }
        Ok(None)
    }

    async fn note_direct(&self, user: &UserId, other: &UserId, room: &RoomId) -> Result<()> {
        let changed = |content: Option<Object>| {
            let mut content = content.unwrap_or_default();
            let mut rooms = match content.remove(other.as_str()) {
                Some(Value::Array(rooms)) => rooms,
                _ => Vec::new(),
            };
            rooms.push(room.as_str().into());
            content.insert(other.as_str(), rooms.into());
            Some(content)
        };
        Ok(self
            .core
            .accounts
            .change_account_data(user, None, DIRECT, changed)
            .await?)
    }
}

/// The rooms that `m.direct` names for the others, the newest first.
fn rooms_in(content: &Object, others: &[OwnedUserId]) -> Vec<OwnedRoomId> {
    let named = others
        .iter()
        .filter_map(|other| content.get(other.as_str())?.as_array())
        .flat_map(|rooms| rooms.iter().rev().filter_map(Value::as_str))
        .filter_map(|room| OwnedRoomId::try_from(room).ok());
    named.take(MAX_LOOKED_AT).collect()
}

/// Whether the user is in the room, and nobody but these is in it or invited, and all of them are.
fn is_among(view: &RoomView, user: &UserId, members: &BTreeSet<&UserId>) -> bool {
    let present: BTreeSet<OwnedUserId> = view
        .members()
        .iter()
        .filter(|member| matches!(member.content_str("membership"), Some("join" | "invite")))
        .filter_map(|member| OwnedUserId::try_from(member.state_key()?).ok())
        .collect();
    view.membership(user) == Some(Membership::Join)
        && present.iter().map(|user| &**user).collect::<BTreeSet<_>>() == *members
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;
    use crate::content::object;

    #[test]
    fn the_newest_room_of_the_others_comes_first() {
        let rooms: Vec<Value> = vec!["!old:b".into(), 5.into(), "!new:b".into()];
        let content = object([("@c:d", rooms.into()), ("@e:f", Value::Null)]);

        let found = rooms_in(
            &content,
            &[user_id!("@c:d").to_owned(), user_id!("@e:f").to_owned()],
        );

        assert_eq!(found, ["!new:b", "!old:b"]);
    }
}
