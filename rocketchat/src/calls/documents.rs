//! Documents, put together from what they need.

use gantry_homeserver::workspace::{RoomKind, message_id};
use gantry_homeserver::{Membership, RoomEvent, RoomView, Session};
use gantry_model::id::UserId;

use crate::dto::message::Message;
use crate::dto::room::Room;
use crate::dto::subscription::Subscription;
use crate::error::Result;
use crate::map::{self, People, Related, RoomFacts, RoomType, Source, SubscriptionFacts};
use crate::state::RocketchatState;

/// How many events are looked at for the newest message of a room.
const LAST_MESSAGE_WITHIN: usize = 20;

/// A room as it is now, under its Rocket.Chat id.
#[derive(Clone, Debug)]
pub(crate) struct ShownRoom {
    pub(crate) view: RoomView,
    pub(crate) rid: String,
    pub(crate) room_type: RoomType,
}

impl ShownRoom {
    /// Whether the user is in the room.
    pub(crate) fn is_joined(&self, session: &Session) -> bool {
        self.view.membership(&session.user_id) == Some(Membership::Join)
    }
}

/// The display name of a member of a room.
pub(crate) fn member_name(view: &RoomView, user: &UserId) -> Option<String> {
    let member = view.state("m.room.member", user.as_str())?;
    member
        .content_str("displayname")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

impl RocketchatState {
    /// A room under its Rocket.Chat id, which it gets now if it has none.
    pub(crate) async fn show(&self, view: RoomView) -> Result<ShownRoom> {
        let workspace = &self.homeserver().workspace;
        let known = workspace.rc_room(view.room_id()).await?;
        let room = match known {
            Some(room) => room,
            None => {
                let (kind, people) = map::first_kind(&view, self.server());
                let people: Vec<&UserId> = people.iter().map(|user| &**user).collect();
                workspace
                    .ensure_rc_room(view.room_id(), kind, &people)
                    .await?
            }
        };
        let room_type = match room.kind {
            // More than two in it: what began as a direct room is a group.
            RoomKind::Direct if view.counts().joined > 2 && room.rid.len() > 20 => RoomType::Group,
            kind => RoomType::of(kind, &view),
        };
        Ok(ShownRoom {
            view,
            rid: room.rid,
            room_type,
        })
    }

    /// The message that an event is, if it is one.
    pub(crate) async fn message(
        &self,
        room: &ShownRoom,
        event: &RoomEvent,
    ) -> Result<Option<Message>> {
        let feed = &self.homeserver().feed;
        let view = &room.view;
        let is_message = event.pdu.state_key().is_none();
        let related = if is_message && event.redacted_because.is_none() {
            feed.relations(view.room_id(), event.event_id()).await?
        } else {
            Vec::new()
        };
        let tmid = match &event.relation {
            Some(relation) if relation.kind == "m.thread" => feed
                .event(view.room_id(), &relation.target)
                .await?
                .map(|root| message_id::of(&root)),
            _ => None,
        };
        self.homeserver()
            .workspace
            .ensure_rc_user(event.pdu.sender())
            .await?;
        let names = |user: &UserId| member_name(view, user);
        let people = People {
            server: self.server(),
            names: &names,
        };
        let events: Vec<_> = related.iter().map(|one| Source::of(one, "")).collect();
        let related = Related {
            rid: &room.rid,
            events: &events,
            tmid: tmid.as_deref(),
        };
        Ok(Source::with(event, |event| {
            map::message(&event, related, people, self.emoji())
        }))
    }

    /// The document of a room as it is for everybody in it.
    pub(crate) fn room(&self, room: &ShownRoom, last_message: Option<&Message>) -> Room {
        let view = &room.view;
        let names = |user: &UserId| member_name(view, user);
        let people = People {
            server: self.server(),
            names: &names,
        };
        let facts = RoomFacts {
            rid: &room.rid,
            room_type: room.room_type,
            last_message,
        };
        map::room(view, facts, people)
    }

    /// The document of a room with the newest message that the user may see.
    pub(crate) async fn room_with_message(
        &self,
        session: &Session,
        room: &ShownRoom,
    ) -> Result<Room> {
        let last = match room.view.membership(&session.user_id) {
            Some(Membership::Join) => self.last_message(session, room).await?,
            _ => None,
        };
        Ok(self.room(room, last.as_ref()))
    }

    async fn last_message(&self, session: &Session, room: &ShownRoom) -> Result<Option<Message>> {
        let page = self
            .page_back(session, room, None, LAST_MESSAGE_WITHIN)
            .await?;
        for event in &page.chunk {
            if let Some(message) = self.message(room, event).await? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    /// The document of a user's subscription to a room.
    pub(crate) async fn subscription(
        &self,
        session: &Session,
        room: &ShownRoom,
    ) -> Result<Subscription> {
        let homeserver = self.homeserver();
        let view = &room.view;
        let is_joined = view.membership(&session.user_id) == Some(Membership::Join);
        let (unread, read) = if is_joined {
            (
                homeserver.feed.unread(&session.user_id, view).await?,
                homeserver
                    .user_data
                    .receipt_of(session, view.room_id())
                    .await?,
            )
        } else {
            Default::default()
        };
        let names = |user: &UserId| member_name(view, user);
        let people = People {
            server: self.server(),
            names: &names,
        };
        let facts = SubscriptionFacts {
            user: &session.user_id,
            rid: &room.rid,
            room_type: room.room_type,
            unread: &unread,
            read_ts: read.map(|receipt| receipt.ts),
        };
        Ok(map::subscription(view, facts, people))
    }
}
