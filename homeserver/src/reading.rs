//! State, single events, members.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::{
    Pdu,
    id::{EventId, OwnedUserId, RoomId},
};
use gantry_rooms::{Membership, RoomEvent, RoomView, StateEvent};

use crate::{Error, PageToken, Result, core::Core};

/// Events and state.
#[derive(Clone)]
pub struct Reading {
    pub(crate) core: Arc<Core>,
}

/// Which members are wanted.
#[derive(Debug, Clone, Default)]
pub struct MembersQuery {
    /// When; `None`: now.
    pub at: Option<PageToken>,
    /// Only those with this membership.
    pub membership: Option<Membership>,
    /// Only those without this one.
    pub not_membership: Option<Membership>,
}

/// Somebody who is in a room.
#[derive(Debug, Clone)]
pub struct JoinedMember {
    /// Who.
    pub user_id: OwnedUserId,
    /// The name in this room.
    pub display_name: Option<String>,
    /// The picture in this room.
    pub avatar_url: Option<String>,
}

impl Reading {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The state of a room: now for its members, at his leaving for who has left.
    pub async fn state(&self, session: &Session, room: &RoomId) -> Result<Vec<StateEvent>> {
        let view = self.core.readable_view(&session.user_id, room).await?;
        Ok(view.state_events(view.full_state()))
    }

    /// One state event, of the same time.
    pub async fn state_event(
        &self,
        session: &Session,
        room: &RoomId,
        kind: &str,
        state_key: &str,
    ) -> Result<Arc<Pdu>> {
        let view = self.core.readable_view(&session.user_id, room).await?;
        view.state(kind, state_key)
            .ok_or_else(|| Error::not_found("Event not found"))
    }

    /// One event, if the user may see it.
    pub async fn event(
        &self,
        session: &Session,
        room: &RoomId,
        event: &EventId,
    ) -> Result<RoomEvent> {
        self.core.visible_event(&session.user_id, room, event).await
    }

    /// The message of a Rocket.Chat id, if the user may see it.
    pub async fn find_by_rc(&self, session: &Session, rc: &str) -> Result<Option<RoomEvent>> {
        let Some(event) = self.core.rooms.find_by_rc(rc).await? else {
            return Ok(None);
        };
        self.seen(session, event).await
    }

    /// The event of an id in whatever room, if the user may see it.
    pub async fn find_event(
        &self,
        session: &Session,
        event: &EventId,
    ) -> Result<Option<RoomEvent>> {
        let Some(event) = self.core.rooms.find_event(event).await? else {
            return Ok(None);
        };
        self.seen(session, event).await
    }

    /// Those of the events of a room that the user may see, in their order.
    pub async fn visible(
        &self,
        session: &Session,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        self.core.visible(&session.user_id, room, events).await
    }

    /// The member events of a room.
    pub async fn members(
        &self,
        session: &Session,
        room: &RoomId,
        query: MembersQuery,
    ) -> Result<Vec<StateEvent>> {
        let readable = self.core.readable_view(&session.user_id, room).await?;
        let view = match query.at {
            None => self.core.whole(readable).await?,
            Some(at) => self.view_at(&readable, at).await?,
        };
        let mut members = view.members();
        members.retain(|member| {
            let membership = member
                .content_str("membership")
                .and_then(|text| text.parse().ok());
            query
                .membership
                .is_none_or(|wanted| membership == Some(wanted))
                && query
                    .not_membership
                    .is_none_or(|unwanted| membership != Some(unwanted))
        });
        Ok(view.state_events(members))
    }

    /// Who is in a room that the user is in.
    pub async fn joined_members(
        &self,
        session: &Session,
        room: &RoomId,
    ) -> Result<Vec<JoinedMember>> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        let view = self.core.whole(view).await?;
        let text = |pdu: &Pdu, key| pdu.content_str(key).map(str::to_owned);
        let joined = view.members().into_iter().filter_map(|member| {
            let is_joined = member.content_str("membership") == Some("join");
            let user_id = OwnedUserId::try_from(member.state_key()?).ok()?;
            is_joined.then(|| JoinedMember {
                user_id,
                display_name: text(&member, "displayname"),
                avatar_url: text(&member, "avatar_url"),
            })
        });
        Ok(joined.collect())
    }

    /// The room at a point that a client names, but not later than the user may read.
    async fn view_at(&self, readable: &RoomView, at: PageToken) -> Result<RoomView> {
        let (room, rooms) = (readable.room_id(), &self.core.rooms);
        let key = match at {
            PageToken::Timeline(key) => key,
            PageToken::Sync(token) => rooms.state_at(room, &token.cut).await?.end(),
        };
        Ok(rooms.view_at_key(room, key.min(readable.end())).await?)
    }

    async fn seen(&self, session: &Session, event: RoomEvent) -> Result<Option<RoomEvent>> {
        let room = event.pdu.room_id().to_owned();
        Ok(self
            .core
            .visible(&session.user_id, &room, vec![event])
            .await?
            .pop())
    }
}
