//! A room as somebody may know it before joining, and the rooms that two users share.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias>.

use std::collections::HashSet;

use gantry_accounts::Session;
use gantry_model::id::{OwnedRoomId, OwnedServerName, RoomId, RoomOrAliasId, UserId};
use gantry_rooms::{Membership, RoomView};
use serde::{Deserialize, Serialize};

use self::Access::{Denied, Granted};
use crate::{Act, Directory, Error, PublicRoom, Result, join::allowed_rooms};

/// Rooms of a page.
const PAGE: usize = 100;
/// Rooms whose members may join a restricted room, of which so many are looked at.
const MAX_ALLOWED: usize = 50;

/// A room in short.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomSummary {
    /// What the directory would show.
    #[serde(flatten)]
    pub room: PublicRoom,
    /// The reader's membership; `None` for a stranger.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// The room's version, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_version: Option<String>,
    /// How messages are encrypted, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The rooms whose members may join a restricted room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    /// `None` for a stranger, who sees what everybody may. For a user, servers of `via` are asked
    /// for a room that this server is not in.
    pub async fn summary(
        &self,
        session: Option<&Session>,
        target: &RoomOrAliasId,
        mut via: Vec<OwnedServerName>,
    ) -> Result<RoomSummary> {
        let room = match <&RoomId>::try_from(target) {
            Ok(room) => room.to_owned(),
            Err(alias) => {
                let resolved = self.core.resolve(alias).await?;
                via.extend(resolved.servers);
                resolved.room_id
            }
        };
        let user = session.map(|session| &*session.user_id);
        let view = self.core.rooms.view(&room).await?;
        let mut summary = match (view.filter(RoomView::is_joined_locally), session) {
            (Some(view), _) => RoomSummary::of(&view),
            (None, Some(session)) => self.remote_summary(session, &room, via).await?,
            (None, None) => return Err(unknown()),
        };
        if let Some(user) = user {
            let row = self.core.rooms.membership_of(user, &room).await?;
            summary.membership = Some(row.map_or(Membership::Leave, |row| row.membership));
        }
        match self.access(user, &summary).await? {
            Granted => Ok(summary),
            Denied => Err(unknown()),
        }
    }

    /// A room that this server is not in, as others describe it.
    async fn remote_summary(
        &self,
        session: &Session,
        room: &RoomId,
        mut via: Vec<OwnedServerName>,
    ) -> Result<RoomSummary> {
        self.core.limits.check_user(Act::Search, session)?;
        via.extend(room.server_name().map(ToOwned::to_owned));
        via.retain(|server| server != self.core.server_name());
        let mut known = HashSet::new();
        via.retain(|server| known.insert(server.clone()));
        let described = self.core.federation.describe_room(room, via).await;
        // Whether it does not exist or may not be known of is not told either.
        let described = described.map_err(|_| unknown())?;
        serde_json::to_value(&described)
            .and_then(serde_json::from_value)
            .map_err(|_| unknown())
    }

    /// A page of the rooms that the user and another one are both in.
    pub async fn mutual_rooms(
        &self,
        session: &Session,
        other: &UserId,
        from: Option<&str>,
    ) -> Result<MutualRooms> {
        self.core.limits.check_user(Act::Search, session)?;
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

    async fn access(&self, user: Option<&UserId>, summary: &RoomSummary) -> Result<Access> {
        let join_rule = summary.room.join_rule.as_deref().unwrap_or("public");
        if summary.room.world_readable
            || matches!(join_rule, "public" | "knock" | "knock_restricted")
        {
            return Ok(Granted);
        }
        let Some(user) = user else {
            return Ok(Denied);
        };
        let knows = matches!(
            summary.membership,
            Some(Membership::Join | Membership::Invite | Membership::Knock)
        );
        if knows {
            return Ok(Granted);
        }
        if join_rule == "restricted" {
            for room in summary.allowed_room_ids.iter().take(MAX_ALLOWED) {
                let row = self.core.rooms.membership_of(user, room).await?;
                if row.is_some_and(|row| row.membership == Membership::Join) {
                    return Ok(Granted);
                }
            }
        }
        Ok(Denied)
    }
}

impl RoomSummary {
    fn of(view: &RoomView) -> Self {
        let is_restricted = matches!(view.join_rule().as_str(), "restricted" | "knock_restricted");
        Self {
            room: PublicRoom::of(view),
            membership: None,
            room_version: Some(view.version().to_string()),
            encryption: view.text("m.room.encryption", "algorithm"),
            allowed_room_ids: if is_restricted {
                allowed_rooms(view)
            } else {
                Vec::new()
            },
        }
    }
}

fn unknown() -> Error {
    Error::not_found("Room not found.")
}
