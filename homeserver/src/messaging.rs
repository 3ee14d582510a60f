//! Events that users send.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind, Object, Value,
    id::{EventId, OwnedEventId, OwnedRoomId, RoomId},
};
use gantry_rooms::{NewEvent, RoomView, Submitted, Txn};

use crate::{
    Act, Error, Result,
    content::{relation, str_of},
    core::Core,
};

/// The endpoint under which redactions remember their transactions.
const REDACTION: &str = "m.room.redaction";

/// The latest time that an event can bear: the largest integer of canonical JSON.
const MAX_TIME: i64 = (1 << 53) - 1;

/// Events that users send.
#[derive(Clone)]
pub struct Messaging {
    pub(crate) core: Arc<Core>,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The room.
    pub room: OwnedRoomId,
    /// The event type.
    pub kind: String,
    /// The content.
    pub content: Object,
    /// The endpoint and the client's transaction id: a repetition answers the first event.
    pub txn: Option<(&'static str, String)>,
    /// The Rocket.Chat message id that the client chose, unique on the server.
    pub rc: Option<String>,
    /// Another time than now, in milliseconds; heeded for application services only.
    pub ts: Option<i64>,
}

impl Messaging {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Sends an event that is not a state event. Whether the user may is decided by the room's
    /// rules; the second annotation of a kind is refused as `DuplicateAnnotation`.
    pub async fn send(&self, session: &Session, message: NewMessage) -> Result<Submitted> {
        let NewMessage {
            room,
            kind,
            mut content,
            txn,
            rc,
            ts,
        } = message;
        self.core.may(session, Act::Send)?;
        let view = self.core.joined_view(&session.user_id, &room).await?;
        let redacts = match kind.as_str() {
            REDACTION => Some(taken_target(&mut content)?),
            _ => None,
        };
        if let Some(target) = &redacts {
            self.check_redaction(session, &room, target).await?;
        }
        self.check_annotation(session, &room, &content, txn.as_ref().map(|(_, id)| &**id))
            .await?;
        let event = NewEvent {
            txn: transaction(session, txn),
            redacts,
            rc,
            origin_server_ts: claimed_time(session, ts)?,
            ..NewEvent::message(session.user_id.clone(), kind, content)
        };
        self.core.submit_in(&view, event).await
    }

    /// Sets a state event. One that would change nothing is not sent; its answer is the event that
    /// stands.
    pub async fn send_state(
        &self,
        session: &Session,
        room: &RoomId,
        kind: &str,
        state_key: &str,
        content: Object,
    ) -> Result<OwnedEventId> {
        let place = (kind, state_key);
        self.send_state_at(session, room, place, content, None)
            .await
    }

    /// The same for a type and key together, with another time than now, in milliseconds, which is
    /// heeded for application services only, and not for memberships.
    pub async fn send_state_at(
        &self,
        session: &Session,
        room: &RoomId,
        (kind, state_key): (&str, &str),
        content: Object,
        ts: Option<i64>,
    ) -> Result<OwnedEventId> {
        self.core.may(session, Act::Send)?;
        if kind == "m.room.member" {
            return self.put_member(session, room, state_key, content).await;
        }
        if kind == "m.room.create" {
            return Err(Error::invalid("A room is created once"));
        }
        let view = self.core.joined_view(&session.user_id, room).await?;
        let standing = view.state(kind, state_key);
        if let Some(standing) = &standing
            && *standing.content() == content
            && standing.sender() == session.user_id
        {
            return Ok(standing.event_id().to_owned());
        }
        if kind == "m.room.canonical_alias" {
            self.check_aliases(
                &view,
                &content,
                standing.as_deref().map(gantry_model::Pdu::content),
            )
            .await?;
        }
        let replacement = match kind {
            "m.room.tombstone" => replacement_in(&content),
            _ => None,
        };
        let event = NewEvent {
            origin_server_ts: claimed_time(session, ts)?,
            ..NewEvent::state(session.user_id.clone(), kind, state_key, content)
        };
        let sent = self.core.submit_in(&view, event).await?;
        if let Some(replacement) = replacement {
            self.core.carry_over_all(&view, &replacement).await;
        }
        if kind == "m.room.guest_access" {
            self.core.let_guests_go(room).await?;
        }
        Ok(sent.event_id)
    }

    /// Takes an event's content away. Own events, and with the room's level for it also others'.
    pub async fn redact(
        &self,
        session: &Session,
        room: &RoomId,
        target: &EventId,
        reason: Option<String>,
        txn: Option<(&'static str, String)>,
    ) -> Result<Submitted> {
        self.core.limits.check_user(Act::Send, session)?;
        let view = self.core.joined_view(&session.user_id, room).await?;
        self.check_redaction(session, room, target).await?;
        let content = reason
            .into_iter()
            .map(|reason| ("reason".to_owned(), reason.into()));
        let event = NewEvent {
            txn: transaction(session, txn),
            redacts: Some(target.to_owned()),
            ..NewEvent::message(session.user_id.clone(), REDACTION, content.collect())
        };
        self.core.submit_in(&view, event).await
    }

    async fn check_redaction(
        &self,
        session: &Session,
        room: &RoomId,
        target: &EventId,
    ) -> Result<()> {
        let unknown = || Error::not_found("No such event");
        let event = self
            .core
            .rooms
            .event(room, target)
            .await?
            .ok_or_else(unknown)?;
        if event.pdu.sender() == session.user_id {
            return Ok(());
        }
        // A suspended user may take back what is his own only.
        self.core.may(session, Act::Send)?;
        let view = self.core.joined_view(&session.user_id, room).await?;
        let levels = view.power_levels();
        if levels.is_some_and(|levels| levels.for_user(&session.user_id) >= levels.redact()) {
            Ok(())
        } else {
            Err(Error::forbidden("You may only redact your own events"))
        }
    }

    /// The same user annotates an event with the same key once. A repeated request is left to the
    /// room, which answers it with the first event.
    async fn check_annotation(
        &self,
        session: &Session,
        room: &RoomId,
        content: &Object,
        txn: Option<&str>,
    ) -> Result<()> {
        let Some(("m.annotation", target)) = relation(content) else {
            return Ok(());
        };
        let target = EventId::parse(target).map_err(|_| Error::invalid("Not an event id"))?;
        let key = annotation_key(content);
        let same = self
            .core
            .rooms
            .relations(room, &target)
            .await?
            .into_iter()
            .find(|event| {
                event.pdu.sender() == session.user_id
                    && event.redacted_because.is_none()
                    && relation(event.pdu.content()).is_some_and(|(kind, _)| kind == "m.annotation")
                    && annotation_key(event.pdu.content()) == key
            });
        let is_repetition = same
            .as_ref()
            .and_then(|event| event.txn.as_ref())
            .is_some_and(|(_, id)| Some(id.as_str()) == txn);
        match same {
            Some(_) if !is_repetition => Err(Error::refused(
                ErrorKind::DuplicateAnnotation,
                "Can't send same reaction twice",
            )),
            _ => Ok(()),
        }
    }

    /// The aliases that the content adds lead to the room.
    async fn check_aliases(
        &self,
        view: &RoomView,
        content: &Object,
        standing: Option<&Object>,
    ) -> Result<()> {
        let known: Vec<&str> = standing.map(aliases_in).unwrap_or_default();
        for alias in aliases_in(content) {
            if !known.contains(&alias) {
                self.core.check_alias_of(alias, view.room_id()).await?;
            }
        }
        Ok(())
    }
}

/// The client's request as rooms remember it.
pub(crate) fn transaction(session: &Session, txn: Option<(&'static str, String)>) -> Option<Txn> {
    txn.map(|(endpoint, id)| Txn {
        device: session.device_id.to_string(),
        endpoint,
        id,
    })
}

/// The time that an application service claims; what others claim is not heeded.
///
/// Specification:
/// <https://spec.matrix.org/v1.19/application-service-api/#timestamp-massaging>.
fn claimed_time(session: &Session, ts: Option<i64>) -> Result<Option<i64>> {
    let claimed = ts.filter(|_| session.appservice.is_some());
    match claimed {
        Some(ts) if !(0..=MAX_TIME).contains(&ts) => Err(Error::invalid("ts is no such time")),
        claimed => Ok(claimed),
    }
}

/// What a redaction that was sent like a message aims at; the room version decides where it goes.
fn taken_target(content: &mut Object) -> Result<OwnedEventId> {
    content
        .remove("redacts")
        .as_ref()
        .and_then(Value::as_str)
        .and_then(|target| EventId::parse(target).ok())
        .ok_or_else(|| Error::bad_json("A redaction needs an event to redact"))
}

/// The room that a tombstone points to.
fn replacement_in(content: &Object) -> Option<OwnedRoomId> {
    OwnedRoomId::try_from(str_of(content, "replacement_room")?).ok()
}

fn annotation_key(content: &Object) -> Option<&str> {
    str_of(content.get("m.relates_to")?.as_object()?, "key")
}

/// The aliases of a canonical alias event.
fn aliases_in(content: &Object) -> Vec<&str> {
    let alternatives = content
        .get("alt_aliases")
        .and_then(Value::as_array)
        .unwrap_or_default();
    str_of(content, "alias")
        .into_iter()
        .chain(alternatives.iter().filter_map(Value::as_str))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_aliases_of_a_canonical_alias_event_are_found() {
        let content = gantry_model::canonical_json::parse_object(
            br##"{"alias":"#a:b","alt_aliases":["#c:d",5]}"##,
        )
        .expect("an object");

        assert_eq!(aliases_in(&content), ["#a:b", "#c:d"]);
        assert!(aliases_in(&Object::new()).is_empty());
    }

    #[test]
    fn a_redaction_without_a_target_is_refused() {
        let mut content = crate::content::text("redacts", "$a");

        assert_eq!(taken_target(&mut content).expect("a target"), "$a");
        assert!(content.is_empty());
        assert_eq!(
            taken_target(&mut content).expect_err("none").kind(),
            ErrorKind::BadJson
        );
    }
}
