//! A room as somebody may know it before joining, and the rooms that two users share.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias>.

use gantry_accounts::Session;
use gantry_model::id::{OwnedRoomId, RoomId, RoomOrAliasId, UserId};
use gantry_rooms::{Membership, RoomView};
use serde::Serialize;

use self::Access::{Denied, Granted};
use crate::{Directory, Error, PublicRoom, Result, join::allowed_rooms};

/// Rooms of a page.
const PAGE: usize = 100;

/// A room in short.
#[derive(Debug, Clone, Serialize)]
pub struct RoomSummary {
    /// What the directory would show.
    #[serde(flatten)]
    pub room: PublicRoom,
    /// The reader's membership, if there ever was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// The room's version.
    pub room_version: String,
    /// How messages are encrypted, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The rooms whose members may join a restricted room.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_room_ids: Vec<OwnedRoomId>,
}

/// Rooms that two users share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MutualRooms {
    /// A page of them.
    pub joined: Vec<OwnedRoomId>,
    /// How many there are.
    pub count: usize,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_batch: Option<String>,
}

/// Whether somebody may know of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Granted,
    Denied,
}

impl Directory {
    /// A room in short, for those who are in it, invited, or may join or read it. `session`:
    /// `None` for a stranger, who sees what everybody may.
    pub async fn summary(
        &self,
        session: Option<&Session>,
        target: &RoomOrAliasId,
    ) -> Result<RoomSummary> {
        let unknown = || Error::not_found("Room not found.");
        let room = match <&RoomId>::try_from(target) {
            Ok(room) => room.to_owned(),
            Err(alias) => self.core.resolve(alias).await?.room_id,
        };
        let view = self.core.rooms.view(&room).await?.ok_or_else(unknown)?;
        let user = session.map(|session| &*session.user_id);
        if self.access(user, &view).await? == Denied {
            return Err(unknown());
        }
        let is_restricted = matches!(view.join_rule().as_str(), "restricted" | "knock_restricted");
        Ok(RoomSummary {
            room: PublicRoom::of(&view),
            membership: user.and_then(|user| view.membership(user)),
            room_version: view.version().to_string(),
            encryption: view.text("m.room.encryption", "algorithm"),
            allowed_room_ids: if is_restricted {
                allowed_rooms(&view)
            } else {
                Vec::new()
            },
        })
    }

    /// A page of the rooms that the user and another one are both in.
    pub async fn mutual_rooms(
        &self,
        session: &Session,
        other: &UserId,
        from: Option<&str>,
    ) -> Result<MutualRooms> {
        if other == session.user_id {
            return Err(Error::invalid("This is your own user ID"));
        }
        let start: usize = match from {
            Some(from) => from.parse().map_err(|_| Error::invalid("Not a token"))?,
            None => 0,
        };
        let mut shared = Vec::new();
        for row in self.core.rooms.memberships(&session.user_id).await? {
            if row.membership != Membership::Join {
                continue;
            }
            if let Some(view) = self.core.rooms.view(&row.room_id).await?
                && view.membership(other) == Some(Membership::Join)
            {
                shared.push(row.room_id);
            }
        }
        shared.sort_unstable();
        let (count, end) = (shared.len(), start.saturating_add(PAGE));
        Ok(MutualRooms {
            joined: shared.into_iter().skip(start).take(PAGE).collect(),
            count,
            next_batch: (end < count).then(|| end.to_string()),
        })
    }

    async fn access(&self, user: Option<&UserId>, view: &RoomView) -> Result<Access> {
        let is_open = matches!(
            view.join_rule().as_str(),
            "public" | "knock" | "knock_restricted"
        ) || view.history_visibility() == "world_readable";
        if is_open {
            return Ok(Granted);
        }
        let Some(user) = user else {
            return Ok(Denied);
        };
        let knows = matches!(
            view.membership(user),
            Some(Membership::Join | Membership::Invite | Membership::Knock)
        );
        if knows {
            return Ok(Granted);
        }
        if view.join_rule() == "restricted" {
            for room in allowed_rooms(view) {
                let row = self.core.rooms.membership_of(user, &room).await?;
                if row.is_some_and(|row| row.membership == Membership::Join) {
                    return Ok(Granted);
                }
            }
        }
        Ok(Denied)
    }
}
