//! How clients see events.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#room-event-format>.

use std::sync::Arc;

use gantry_homeserver::{Aggregation, Aggregations, Membership, RoomEvent, Session, StateEvent};
use gantry_model::{Object, Pdu, Value, id::OwnedEventId};
use serde::Serialize;

/// Who looks at events, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer<'a> {
    session: &'a Session,
    now_ms: i64,
    room_id: RoomIdField,
}

/// Whether events carry the id of their room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoomIdField {
    /// They do.
    Present,
    /// They stand below the room's id, as in the answer of a sync.
    Omitted,
}

/// An event in the form of the client-server API.
#[derive(Debug, Serialize)]
pub(crate) struct ClientEvent {
    event_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<String>,
    sender: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_key: Option<String>,
    content: Object,
    origin_server_ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacts: Option<String>,
    unsigned: Unsigned,
}

/// What the server adds to an event, for this one reader.
#[derive(Debug, Default, Serialize)]
struct Unsigned {
    age: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_content: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_sender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces_state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted_because: Option<Box<ClientEvent>>,
    #[serde(rename = "m.relations", skip_serializing_if = "Option::is_none")]
    relations: Option<Children>,
}

/// What is told of an event's children along with it.
#[derive(Debug, Serialize)]
struct Children {
    #[serde(rename = "m.replace", skip_serializing_if = "Option::is_none")]
    replace: Option<Box<ClientEvent>>,
    #[serde(rename = "m.thread", skip_serializing_if = "Option::is_none")]
    thread: Option<Thread>,
    #[serde(rename = "m.reference", skip_serializing_if = "Option::is_none")]
    references: Option<References>,
}

#[derive(Debug, Serialize)]
struct Thread {
    latest_event: Box<ClientEvent>,
    count: u64,
    current_user_participated: bool,
}

#[derive(Debug, Serialize)]
struct References {
    chunk: Vec<Reference>,
}

#[derive(Debug, Serialize)]
struct Reference {
    event_id: OwnedEventId,
}

/// A state event reduced to what somebody outside of the room may see.
#[derive(Debug, Serialize)]
pub(crate) struct StrippedEvent {
    sender: String,
    #[serde(rename = "type")]
    kind: String,
    state_key: String,
    content: Object,
}

impl<'a> Viewer<'a> {
    /// A reader of events that carry their room's id.
    pub(crate) fn new(session: &'a Session, now_ms: i64) -> Self {
        Self {
            session,
            now_ms,
            room_id: RoomIdField::Present,
        }
    }

    /// A reader of events that do not.
    pub(crate) fn without_room_id(self) -> Self {
        Self {
            room_id: RoomIdField::Omitted,
            ..self
        }
    }

    /// An event of the timeline.
    pub(crate) fn event(self, event: &RoomEvent) -> ClientEvent {
        let mut shown = self.pdu(&event.pdu);
        shown.unsigned.transaction_id = self.transaction_id(event);
        shown.unsigned.membership = event.membership.map(Membership::as_str);
        shown.unsigned.replace(event.replaces.as_deref());
        shown.unsigned.redacted_because = self.because(event.redacted_because.as_deref());
        shown
    }

    fn because(self, redaction: Option<&Pdu>) -> Option<Box<ClientEvent>> {
        redaction.map(|redaction| Box::new(self.pdu(redaction)))
    }

    /// An event of a room's state.
    pub(crate) fn state(self, event: &StateEvent) -> ClientEvent {
        let mut shown = self.pdu(&event.pdu);
        shown.unsigned.replace(event.replaces.as_deref());
        shown.unsigned.redacted_because = self.because(event.redacted_because.as_deref());
        shown
    }

    /// Events of a room's state.
    pub(crate) fn states(self, events: &[StateEvent]) -> Vec<ClientEvent> {
        events.iter().map(|event| self.state(event)).collect()
    }

    /// An event of which only the PDU is at hand, such as one of the current state.
    pub(crate) fn pdu(self, pdu: &Pdu) -> ClientEvent {
        let mut content = pdu.content().clone();
        let redacts = pdu.redacts().map(ToString::to_string);
        if let Some(target) = &redacts {
            // Room version 11 moved it; clients find it in both places, whatever the version.
            content.insert("redacts", Value::from(target.as_str()));
        }
        ClientEvent {
            event_id: pdu.event_id().to_string(),
            room_id: (self.room_id == RoomIdField::Present).then(|| pdu.room_id().to_string()),
            sender: pdu.sender().to_string(),
            kind: pdu.kind().to_owned(),
            state_key: pdu.state_key().map(str::to_owned),
            content,
            origin_server_ts: pdu.origin_server_ts(),
            redacts,
            unsigned: Unsigned {
                age: self.now_ms.saturating_sub(pdu.origin_server_ts()),
                ..Unsigned::default()
            },
        }
    }

    /// An event of a room that this server is not in, as it was received; `None` if clients cannot
    /// make anything of it.
    pub(crate) fn object(self, event: &Object) -> Option<ClientEvent> {
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        let origin_server_ts = event.get("origin_server_ts").and_then(Value::as_int)?;
        Some(ClientEvent {
            event_id: text("event_id")?,
            room_id: text("room_id").filter(|_| self.room_id == RoomIdField::Present),
            sender: text("sender")?,
            kind: text("type")?,
            state_key: text("state_key"),
            content: event.get("content").and_then(Value::as_object)?.clone(),
            origin_server_ts,
            redacts: None,
            unsigned: Unsigned {
                age: self.now_ms.saturating_sub(origin_server_ts),
                ..Unsigned::default()
            },
        })
    }

    /// An event of the timeline, with what is told of its children.
    pub(crate) fn bundled(self, event: &RoomEvent, known: &Aggregations) -> ClientEvent {
        let mut shown = self.event(event);
        shown.unsigned.relations = known
            .of(event.event_id())
            .map(|aggregation| self.children(aggregation, known));
        shown
    }

    /// The same of several.
    pub(crate) fn all_bundled(
        self,
        events: &[RoomEvent],
        known: &Aggregations,
    ) -> Vec<ClientEvent> {
        let all = events.iter();
        all.map(|event| self.bundled(event, known)).collect()
    }

    fn children(self, aggregation: &Aggregation, known: &Aggregations) -> Children {
        let replace = aggregation.replace.as_ref();
        let references = aggregation.references.iter().map(|id| Reference {
            event_id: id.clone(),
        });
        let references: Vec<_> = references.collect();
        Children {
            replace: replace.map(|edit| Box::new(self.event(edit))),
            thread: aggregation.thread.as_ref().map(|thread| Thread {
                latest_event: Box::new(self.bundled(&thread.latest, known)),
                count: thread.count,
                current_user_participated: thread.participated,
            }),
            references: (!references.is_empty()).then_some(References { chunk: references }),
        }
    }

    /// Events of the state.
    pub(crate) fn pdus(self, pdus: &[Arc<Pdu>]) -> Vec<ClientEvent> {
        pdus.iter().map(|pdu| self.pdu(pdu)).collect()
    }

    /// The transaction id is for the device that sent the event, nobody else.
    fn transaction_id(self, event: &RoomEvent) -> Option<String> {
        let (device, id) = event.txn.as_ref()?;
        let own = event.pdu.sender() == self.session.user_id
            && device.as_str() == self.session.device_id.as_str();
        own.then(|| id.clone())
    }
}

impl Unsigned {
    /// Tells what was there before.
    fn replace(&mut self, replaced: Option<&Pdu>) {
        if let Some(replaced) = replaced {
            self.prev_content = Some(replaced.content().clone());
            self.prev_sender = Some(replaced.sender().to_string());
            self.replaces_state = Some(replaced.event_id().to_string());
        }
    }
}

impl StrippedEvent {
    /// What is left of a state event, which may be whole or reduced already.
    pub(crate) fn from_object(event: &Object) -> Option<Self> {
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            sender: text("sender")?,
            kind: text("type")?,
            state_key: text("state_key")?,
            content: event.get("content").and_then(Value::as_object)?.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::{RoomVersion, canonical_json::parse_object};

    use super::*;

    fn session() -> Session {
        Session::new("@a:b".try_into().expect("a user"), "D".into(), [0; 32])
    }

    fn pdu(version: RoomVersion, more: &str) -> Pdu {
        let text = format!(
            r#"{{"room_id":"!r:b","sender":"@a:b","prev_events":[],"auth_events":[],"depth":1,
               "origin_server_ts":40,"hashes":{{"sha256":""}},"signatures":{{}},{more}}}"#
        );
        let object = parse_object(text.as_bytes()).expect("an object");
        Pdu::parse(object, version).expect("a PDU")
    }

    #[test]
    fn a_redaction_names_its_target_in_both_places() {
        let session = session();
        let viewer = Viewer::new(&session, 100);
        let old = r#""type":"m.room.redaction","content":{},"redacts":"$x""#;
        let new = r#""type":"m.room.redaction","content":{"redacts":"$x"}"#;

        for pdu in [pdu(RoomVersion::V10, old), pdu(RoomVersion::V11, new)] {
            let shown = serde_json::to_value(viewer.pdu(&pdu)).expect("JSON");

            assert_eq!(shown["redacts"], "$x");
            assert_eq!(shown["content"]["redacts"], "$x");
        }
    }

    #[test]
    fn clients_see_their_fields_and_no_others() {
        let session = session();
        let pdu = pdu(
            RoomVersion::V11,
            r#""type":"m.room.name","state_key":"","content":{}"#,
        );

        let shown = Viewer::new(&session, 100).without_room_id().pdu(&pdu);

        let shown = serde_json::to_value(shown).expect("JSON");
        let fields: Vec<_> = shown.as_object().expect("an object").keys().collect();
        let expected = [
            "content",
            "event_id",
            "origin_server_ts",
            "sender",
            "state_key",
            "type",
            "unsigned",
        ];
        assert_eq!(fields, expected);
        assert_eq!(shown["unsigned"]["age"], 60);
    }

    #[test]
    fn whole_events_are_reduced_for_outsiders() {
        let text =
            br#"{"type":"m.room.name","state_key":"","sender":"@a:b","content":{},"depth":1}"#;
        let event = parse_object(text).expect("an object");

        let shown = StrippedEvent::from_object(&event).expect("a state event");

        let shown = serde_json::to_string(&shown).expect("JSON");
        assert_eq!(
            shown,
            r#"{"sender":"@a:b","type":"m.room.name","state_key":"","content":{}}"#
        );
        assert!(StrippedEvent::from_object(&Object::new()).is_none());
    }
}
