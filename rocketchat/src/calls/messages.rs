//! Acts on messages.

use gantry_homeserver::workspace::message_id;
use gantry_homeserver::{Membership, NewMessage, RoomEvent, Session};
use gantry_model::id::{EventId, UserId};
use gantry_model::{ErrorKind, Object, Value};

use super::ShownRoom;
use crate::dto::message::Message;
use crate::error::{Error, Result};
use crate::map::{self, Emoji, Target};
use crate::state::RocketchatState;

/// The longest text, in characters, as the setting `Message_MaxAllowedSize` says.
const MAX_TEXT: usize = 5_000;

/// A text to send.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewText<'a> {
    /// The id that the client chose.
    pub(crate) id: Option<&'a str>,
    /// The text.
    pub(crate) msg: &'a str,
    /// The root of the thread that it goes to.
    pub(crate) tmid: Option<&'a str>,
    /// Whether it is shown outside of the thread too.
    pub(crate) tshow: bool,
}

/// What is to become of a reaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReactionWish {
    /// It is there afterwards.
    Set,
    /// It is not there afterwards.
    Unset,
    /// The other way round.
    Toggle,
}

impl RocketchatState {
    /// Sends a text. A repeated id of the same user and room answers the message that is there.
    pub(crate) async fn send(
        &self,
        session: &Session,
        room: &ShownRoom,
        text: NewText<'_>,
    ) -> Result<Message> {
        if text.id.is_some_and(|id| !message_id::may_choose(id)) {
            return Err(Error::new(
                "error-invalid-params",
                "The id of the message is not allowed",
            ));
        }
        check_text(text.msg)?;
        let root = match text.tmid {
            Some(tmid) => Some(self.thread_root(session, room, tmid).await?),
            None => None,
        };
        let thread = root.as_ref().map(|root| root.event_id().as_str());
        let content = self.with_target(room, |target| {
            map::new_message(text.msg, thread, text.tshow, target)
        });
        let message = NewMessage {
            room: room.view.room_id().to_owned(),
            kind: "m.room.message".to_owned(),
            content,
            txn: None,
            rc: text.id.map(str::to_owned),
            ts: None,
        };
        let sent = self.homeserver().messaging.send(session, message).await?;
        self.message_of(room, &sent.event_id).await
    }

    /// Replaces the text of an own message.
    pub(crate) async fn update(&self, session: &Session, id: &str, msg: &str) -> Result<Message> {
        check_text(msg)?;
        let (room, event) = self.get_message(session, id).await?;
        if event.pdu.sender() != session.user_id || event.pdu.kind() != "m.room.message" {
            return Err(Error::new(
                "error-action-not-allowed",
                "Message editing not allowed",
            ));
        }
        let content = self.with_target(&room, |target| {
            map::edit(msg, event.event_id().as_str(), target)
        });
        self.send_content(session, &room, "m.room.message", content)
            .await?;
        self.message_of(&room, event.event_id()).await
    }

    /// Deletes a message; the answer is what it was.
    pub(crate) async fn delete(&self, session: &Session, id: &str) -> Result<Message> {
        let (room, event) = self.get_message(session, id).await?;
        let Some(message) = self.message(&room, &event).await? else {
            return Err(Error::no_message());
        };
        let acts = &self.homeserver().messaging;
        let (room_id, event_id) = (room.view.room_id(), event.event_id());
        match acts.redact(session, room_id, event_id, None, None).await {
            Ok(_) => Ok(message),
            Err(error) if error.kind() == ErrorKind::Forbidden => {
                Err(Error::new("error-action-not-allowed", "Not allowed"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reacts to a message, or takes a reaction back.
    pub(crate) async fn react(
        &self,
        session: &Session,
        id: &str,
        emoji: &str,
        wish: ReactionWish,
    ) -> Result<()> {
        let invalid = || Error::new("error-not-allowed", "Invalid emoji provided.");
        let key = self.emoji().to_matrix(emoji).ok_or_else(invalid)?;
        let (room, event) = self.get_message(session, id).await?;
        let own = self
            .own_reactions(session, &room, event.event_id(), &key)
            .await?;
        let is_there = !own.is_empty();
        match wish {
            ReactionWish::Unset | ReactionWish::Toggle if is_there => {
                for reaction in own {
                    let (room, event) = (room.view.room_id(), reaction.event_id());
                    self.homeserver()
                        .messaging
                        .redact(session, room, event, None, None)
                        .await?;
                }
                Ok(())
            }
            ReactionWish::Set | ReactionWish::Toggle if !is_there => {
                let content = map::reaction(&key, event.event_id().as_str());
                self.send_content(session, &room, "m.reaction", content)
                    .await
            }
            ReactionWish::Set | ReactionWish::Unset | ReactionWish::Toggle => Ok(()),
        }
    }

    /// A message by id that the user may see.
    pub(crate) async fn get_message(
        &self,
        session: &Session,
        id: &str,
    ) -> Result<(ShownRoom, RoomEvent)> {
        self.find_message(session, id)
            .await?
            .ok_or_else(Error::no_message)
    }

    async fn own_reactions(
        &self,
        session: &Session,
        room: &ShownRoom,
        target: &EventId,
        key: &str,
    ) -> Result<Vec<RoomEvent>> {
        let mut related = self
            .homeserver()
            .feed
            .relations(room.view.room_id(), target)
            .await?;
        related.retain(|one| {
            one.pdu.kind() == "m.reaction"
                && one.pdu.sender() == session.user_id
                && one.redacted_because.is_none()
                && key_of(one.pdu.content()).is_some_and(|other| Emoji::is_same(other, key))
        });
        Ok(related)
    }

    /// The root of a thread, from the id of any message of it.
    async fn thread_root(
        &self,
        session: &Session,
        room: &ShownRoom,
        tmid: &str,
    ) -> Result<RoomEvent> {
        let (of, event) = self.get_message(session, tmid).await?;
        if of.rid != room.rid {
            return Err(Error::new(
                "error-invalid-params",
                "The thread is in another room",
            ));
        }
        // Threads do not nest.
        match &event.relation {
            Some(relation) if relation.kind == "m.thread" => {
                let root = self
                    .homeserver()
                    .feed
                    .event(of.view.room_id(), &relation.target);
                root.await?.ok_or_else(Error::no_message)
            }
            _ => Ok(event),
        }
    }

    async fn send_content(
        &self,
        session: &Session,
        room: &ShownRoom,
        kind: &str,
        content: Object,
    ) -> Result<()> {
        let message = NewMessage {
            room: room.view.room_id().to_owned(),
            kind: kind.to_owned(),
            content,
            txn: None,
            rc: None,
            ts: None,
        };
        self.homeserver().messaging.send(session, message).await?;
        Ok(())
    }

    async fn message_of(&self, room: &ShownRoom, event: &EventId) -> Result<Message> {
        let event = self
            .homeserver()
            .feed
            .event(room.view.room_id(), event)
            .await?;
        let event = event.ok_or_else(Error::no_message)?;
        self.message(room, &event)
            .await?
            .ok_or_else(Error::no_message)
    }

    fn with_target<T>(&self, room: &ShownRoom, map: impl FnOnce(Target<'_>) -> T) -> T {
        let is_member = |user: &UserId| room.view.membership(user) == Some(Membership::Join);
        map(Target {
            server: self.server(),
            is_member: &is_member,
        })
    }
}

fn check_text(text: &str) -> Result<()> {
    if text.chars().count() > MAX_TEXT {
        return Err(Error::new(
            "error-message-size-exceeded",
            "Message size exceeds the limit",
        ));
    }
    Ok(())
}

fn key_of(content: &Object) -> Option<&str> {
    content
        .get("m.relates_to")?
        .as_object()?
        .get("key")
        .and_then(Value::as_str)
}
