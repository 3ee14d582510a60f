//! Finding rooms and messages by what clients call them.

use gantry_homeserver::{Membership, PublicRoomsQuery, RoomEvent, RoomView, Session};
use gantry_model::id::{RoomAliasId, RoomId};

use super::ShownRoom;
use crate::error::{Error, Result};
use crate::map::{RoomType, room_name};
use crate::state::RocketchatState;

/// The longest id or name that is looked for, in bytes.
const MAX_BYTES: usize = 255;

/// The most rooms that are looked at for one of a name.
const MAX_LOOKED_AT: usize = 1_000;

/// What a client calls a room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RoomRef<'a> {
    /// By its Rocket.Chat id.
    Id(&'a str),
    /// By its name.
    Name(&'a str),
}

impl RocketchatState {
    /// A room that the user may know of: joined, invited to, or open to everybody.
    pub(crate) async fn find_room(
        &self,
        session: &Session,
        room: RoomRef<'_>,
    ) -> Result<Option<ShownRoom>> {
        let view = match room {
            RoomRef::Id(text) | RoomRef::Name(text) if text.len() > MAX_BYTES => None,
            RoomRef::Id(rid) => match self.homeserver().workspace.room_of_rid(rid).await? {
                Some(room) => self.known_view(session, &room.room_id).await?,
                None => None,
            },
            RoomRef::Name(name) => self.view_of_name(session, name).await?,
        };
        match view {
            Some(view) => self.show(view).await.map(Some),
            None => Ok(None),
        }
    }

    /// A room of one type that the user may know of.
    pub(crate) async fn get_room(
        &self,
        session: &Session,
        room: RoomRef<'_>,
        wanted: RoomType,
    ) -> Result<ShownRoom> {
        let found = self.find_room(session, room).await?;
        let missing = || match room {
            RoomRef::Id(_) => Error::no_room("\"roomId\" or \"roomName\""),
            RoomRef::Name(_) => Error::no_room("\"roomName\""),
        };
        found
            .filter(|room| room.room_type == wanted)
            .ok_or_else(missing)
    }

    /// A room by id that the user is in.
    pub(crate) async fn joined_room(&self, session: &Session, rid: &str) -> Result<ShownRoom> {
        let is_joined =
            |room: &ShownRoom| room.view.membership(&session.user_id) == Some(Membership::Join);
        let found = self
            .find_room(session, RoomRef::Id(rid))
            .await?
            .filter(is_joined);
        found.ok_or_else(|| Error::new("error-not-allowed", "Not allowed"))
    }

    /// A message by id that the user may see, and its room. What was deleted is not found.
    pub(crate) async fn find_message(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<Option<(ShownRoom, RoomEvent)>> {
        let homeserver = self.homeserver();
        let Some(event) = homeserver.workspace.find_message(id).await? else {
            return Ok(None);
        };
        let room = event.pdu.room_id().to_owned();
        if event.redacted_because.is_some()
            || !homeserver
                .feed
                .may_see(&session.user_id, &room, &event)
                .await?
        {
            return Ok(None);
        }
        let Some(view) = homeserver.feed.view(&room).await? else {
            return Ok(None);
        };
        Ok(Some((self.show(view).await?, event)))
    }

    /// The rooms that the user is in or invited to.
    pub(crate) async fn rooms_of(&self, session: &Session) -> Result<Vec<ShownRoom>> {
        let homeserver = self.homeserver();
        let mut rooms = Vec::new();
        for row in homeserver.room_lists.memberships(session).await? {
            if !matches!(row.membership, Membership::Join | Membership::Invite) {
                continue;
            }
            let Some(view) = homeserver.feed.view(&row.room_id).await? else {
                continue;
            };
            // Spaces hold rooms and no messages.
            if view.room_type().as_deref() != Some("m.space") {
                rooms.push(self.show(view).await?);
            }
        }
        Ok(rooms)
    }

    async fn view_of_name(&self, session: &Session, name: &str) -> Result<Option<RoomView>> {
        let homeserver = self.homeserver();
        if let Some(room) = homeserver.workspace.room_of_name(name).await?
            && let Some(view) = self.known_view(session, &room).await?
        {
            return Ok(Some(view));
        }
        if let Ok(alias) = RoomAliasId::parse(format!("#{name}:{}", self.server()))
            && let Ok(resolved) = homeserver.directory.resolve_alias(&alias).await
            && let Some(view) = self.known_view(session, &resolved.room_id).await?
        {
            return Ok(Some(view));
        }
        let is_called = |view: &RoomView| {
            room_name(view, "").to_lowercase() == name.to_lowercase() && !name.is_empty()
        };
        let joined = homeserver.room_lists.rooms_of(session).await?;
        if let Some((_, view)) = joined.into_iter().find(|(_, view)| is_called(view)) {
            return Ok(Some(view));
        }
        for view in self.public_views(Some(name.replace('-', " "))).await? {
            if is_called(&view) {
                return Ok(Some(view));
            }
        }
        // A public room of another server that somebody here is in stands in no directory of ours.
        for room in homeserver.workspace.known_rooms(MAX_LOOKED_AT).await? {
            if let Some(view) = homeserver.feed.view(&room).await?
                && view.join_rule() == "public"
                && view.is_joined_locally()
                && is_called(&view)
            {
                return Ok(Some(view));
            }
        }
        Ok(None)
    }

    /// The rooms of our public directory, the largest first.
    pub(crate) async fn public_views(&self, search: Option<String>) -> Result<Vec<RoomView>> {
        let homeserver = self.homeserver();
        let query = PublicRoomsQuery {
            search,
            limit: Some(500),
            ..PublicRoomsQuery::default()
        };
        let mut views = Vec::new();
        for entry in homeserver.directory.public_rooms(query).await?.chunk {
            if let Some(view) = homeserver.feed.view(&entry.room_id).await?
                && view.join_rule() == "public"
                && view.room_type().as_deref() != Some("m.space")
            {
                views.push(view);
            }
        }
        Ok(views)
    }

    async fn known_view(&self, session: &Session, room: &RoomId) -> Result<Option<RoomView>> {
        match self.homeserver().room_lists.view_any(session, room).await {
            Ok(view) => Ok(Some(view)),
            Err(error) if error.kind() == gantry_model::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
