//! Persistent data units: the signed events of a room.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#pdus> and the pages of the room
//! versions.

use std::collections::BTreeSet;

use base64::Engine;

use crate::{
    canonical_json::{Object, Value, is_strict_object, object_to_bytes},
    hash::{self, BASE64, BASE64_URL},
    id::{
        EventId, MAX_ID_BYTES, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId,
        ServerName, UserId,
    },
    redact::redact,
    room_version::{EventIdFormat, RoomVersion, RoomVersionRules},
    sign::ServerSigningKey,
};

/// The largest PDU, in bytes of canonical JSON.
pub const MAX_PDU_BYTES: usize = 65_535;
/// The most events that a PDU may name as previous ones.
pub const MAX_PREV_EVENTS: usize = 20;
/// The most events that a PDU may name as its authorization.
pub const MAX_AUTH_EVENTS: usize = 10;

/// Why an object is not a PDU of its room version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// A field is missing, of the wrong type or too long.
    #[error("the field {0} is missing or malformed")]
    Field(&'static str),
    /// More than 65,535 bytes, or too many previous or auth events.
    #[error("the event is too large")]
    TooLarge,
    /// A number that canonical JSON forbids.
    #[error("a number outside of canonical JSON")]
    Number,
}

/// An event in its federation format, immutable.
#[derive(Debug, Clone, PartialEq)]
pub struct Pdu {
    event_id: OwnedEventId,
    room_id: OwnedRoomId,
    sender: OwnedUserId,
    kind: String,
    state_key: Option<String>,
    prev_events: Vec<OwnedEventId>,
    auth_events: Vec<OwnedEventId>,
    depth: i64,
    origin_server_ts: i64,
    redacts: Option<OwnedEventId>,
    object: Object,
    rules: &'static RoomVersionRules,
}

impl Pdu {
    /// Reads a PDU: check 1 of the seven on receipt (format and size). `unsigned` is dropped.
    /// Signatures and hashes are not looked at.
    pub fn parse(mut object: Object, version: RoomVersion) -> Result<Self, PduError> {
        object.remove("unsigned");
        if version.rules().strict_json && !is_strict_object(&object) {
            return Err(PduError::Number);
        }
        if object_to_bytes(&object).len() > MAX_PDU_BYTES {
            return Err(PduError::TooLarge);
        }
        Self::read(object, version, None)
    }

    /// Reads a PDU that was checked when it was stored, together with its [`Pdu::hash`]: size,
    /// numbers and hash are not checked again.
    pub fn restore(
        object: Object,
        version: RoomVersion,
        hash: &[u8; 32],
    ) -> Result<Self, PduError> {
        Self::read(object, version, Some(hash))
    }

    fn read(
        object: Object,
        version: RoomVersion,
        known_hash: Option<&[u8; 32]>,
    ) -> Result<Self, PduError> {
        let rules = version.rules();
        let kind = text(&object, "type")?
            .ok_or(PduError::Field("type"))?
            .to_owned();
        let state_key = text(&object, "state_key")?.map(str::to_owned);
        let sender = text(&object, "sender")?
            .and_then(|sender| UserId::parse(sender).ok())
            .ok_or(PduError::Field("sender"))?;
        if !matches!(object.get("content"), Some(Value::Object(_))) {
            return Err(PduError::Field("content"));
        }
        let prev_events = references(&object, "prev_events", rules, MAX_PREV_EVENTS)?;
        let auth_events = references(&object, "auth_events", rules, MAX_AUTH_EVENTS)?;
        let depth = integer(&object, "depth")?;
        if depth < 0 {
            return Err(PduError::Field("depth"));
        }
        let origin_server_ts = integer(&object, "origin_server_ts")?;
        let event_id = match known_hash {
            Some(hash) if rules.event_id != EventIdFormat::Chosen => {
                event_id_of_hash(hash, rules).ok_or(PduError::Field("event_id"))?
            }
            _ => event_id(&object, rules)?,
        };
        let room_id = room_id(&object, &kind, state_key.as_deref(), &event_id, rules)?;
        let redacts = redaction_target(&object, &kind, rules);
        Ok(Self {
            event_id,
            room_id,
            sender,
            kind,
            state_key,
            prev_events,
            auth_events,
            depth,
            origin_server_ts,
            redacts,
            object,
            rules,
        })
    }

    /// The event's id.
    pub fn event_id(&self) -> &EventId {
        &self.event_id
    }

    /// The 32 bytes that stand for the event in the store: its reference hash, and for versions 1
    /// and 2 the SHA-256 of its id's text.
    pub fn hash(&self) -> [u8; 32] {
        event_hash(&self.event_id, self.rules)
    }

    /// The room.
    pub fn room_id(&self) -> &RoomId {
        &self.room_id
    }

    /// The user who sent it.
    pub fn sender(&self) -> &UserId {
        &self.sender
    }

    /// The event type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The state key; `None` for an event that is not a state event.
    pub fn state_key(&self) -> Option<&str> {
        self.state_key.as_deref()
    }

    /// Whether it is the state event of this type and key.
    pub fn is_state(&self, kind: &str, state_key: &str) -> bool {
        self.kind == kind && self.state_key.as_deref() == Some(state_key)
    }

    /// The content.
    pub fn content(&self) -> &Object {
        match self.object.get("content") {
            Some(Value::Object(content)) => content,
            _ => unreachable!("a PDU is built only with an object as content"),
        }
    }

    /// Text in the content.
    pub fn content_str(&self, key: &str) -> Option<&str> {
        self.content().get(key).and_then(Value::as_str)
    }

    /// The events before it.
    pub fn prev_events(&self) -> &[OwnedEventId] {
        &self.prev_events
    }

    /// The events that authorize it.
    pub fn auth_events(&self) -> &[OwnedEventId] {
        &self.auth_events
    }

    /// The depth.
    pub fn depth(&self) -> i64 {
        self.depth
    }

    /// The time that the sender's server gave it, in milliseconds.
    pub fn origin_server_ts(&self) -> i64 {
        self.origin_server_ts
    }

    /// The event that it asks to redact, wherever the room version keeps that.
    pub fn redacts(&self) -> Option<&EventId> {
        self.redacts.as_deref()
    }

    /// All of it, as federation sends it.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Its canonical JSON, which is what the store keeps.
    pub fn to_bytes(&self) -> Vec<u8> {
        object_to_bytes(&self.object)
    }

    /// The rules of its room version.
    pub fn rules(&self) -> &'static RoomVersionRules {
        self.rules
    }

    /// The same event, redacted.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let object = redact(&self.object, self.rules);
        let redacts = redaction_target(&object, &self.kind, self.rules);
        Self {
            redacts,
            object,
            ..self.clone()
        }
    }

    /// The servers whose signature the event needs (check 2 on receipt).
    pub fn required_signers(&self) -> BTreeSet<OwnedServerName> {
        let mut signers = BTreeSet::new();
        let is_member = self.kind == "m.room.member";
        let is_third_party_invite = is_member
            && self.content_str("membership") == Some("invite")
            && self.content().contains_key("third_party_invite");
        if !is_third_party_invite {
            signers.insert(self.sender.server_name().to_owned());
        }
        if self.rules.event_id == EventIdFormat::Chosen
            && let Some(server) = self.event_id.server_name()
        {
            signers.insert(server.to_owned());
        }
        if self.rules.restricted
            && is_member
            && self.content_str("membership") == Some("join")
            && let Some(user) = self.content_str("join_authorised_via_users_server")
            && let Ok(user) = UserId::parse(user)
        {
            signers.insert(user.server_name().to_owned());
        }
        signers
    }

    /// The event with one more signature. The id does not change.
    #[must_use]
    pub fn signed_by(&self, server: &ServerName, key: &ServerSigningKey) -> Self {
        let mut object = self.object.clone();
        key.sign_event(server.as_str(), &mut object, self.rules);
        Self {
            object,
            ..self.clone()
        }
    }
}

/// What an event says before it has hashes, signatures and an id.
#[derive(Debug, Clone)]
pub struct PduDraft {
    /// The room; `None` only for the create event of a room whose id is that event's hash.
    pub room_id: Option<OwnedRoomId>,
    /// The sender.
    pub sender: OwnedUserId,
    /// The event type.
    pub kind: String,
    /// The state key.
    pub state_key: Option<String>,
    /// The content.
    pub content: Object,
    /// The event that a redaction aims at (room versions that keep it outside of the content).
    pub redacts: Option<OwnedEventId>,
    /// The events before it.
    pub prev_events: Vec<Reference>,
    /// The events that authorize it.
    pub auth_events: Vec<Reference>,
    /// The depth.
    pub depth: i64,
    /// Milliseconds since the Unix epoch.
    pub origin_server_ts: i64,
    /// The local part of the id in room versions 1 and 2; unused in others.
    pub id_localpart: String,
}

/// A reference to another event: its id, and its reference hash, which versions 1 and 2 write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The id.
    pub event_id: OwnedEventId,
    /// The reference hash.
    pub hash: [u8; 32],
}

impl Reference {
    /// The reference to an event that is at hand.
    pub fn to(pdu: &Pdu) -> Self {
        let hash = match pdu.rules.event_id {
            EventIdFormat::Chosen => hash::reference_hash(&pdu.object, pdu.rules),
            _ => pdu.hash(),
        };
        Self {
            event_id: pdu.event_id.clone(),
            hash,
        }
    }
}

impl PduDraft {
    /// The event as an object without hashes and signatures, as `make_join` gives it.
    pub fn to_object(&self, server: &ServerName, rules: &RoomVersionRules) -> Object {
        let mut object = Object::new();
        let mut set = |key: &str, value: Value| {
            object.insert(key.to_owned(), value);
        };
        if let Some(room_id) = &self.room_id {
            set("room_id", room_id.as_str().into());
        }
        set("sender", self.sender.as_str().into());
        set("type", self.kind.as_str().into());
        if let Some(state_key) = &self.state_key {
            set("state_key", state_key.as_str().into());
        }
        let mut content = self.content.clone();
        if let Some(redacts) = &self.redacts {
            if rules.redacts_in_content {
                content.insert("redacts", redacts.as_str().into());
            } else {
                set("redacts", redacts.as_str().into());
            }
        }
        set("content", content.into());
        set("prev_events", self.references(&self.prev_events, rules));
        set("auth_events", self.references(&self.auth_events, rules));
        set("depth", self.depth.into());
        set("origin_server_ts", self.origin_server_ts.into());
        if rules.event_id == EventIdFormat::Chosen {
            set("origin", server.as_str().into());
            set(
                "event_id",
                format!("${}:{server}", self.id_localpart).into(),
            );
        }
        object
    }

    /// The finished event: hashed and signed by us.
    pub fn sign(
        &self,
        server: &ServerName,
        key: &ServerSigningKey,
        rules: &RoomVersionRules,
    ) -> Result<Pdu, PduError> {
        let mut object = self.to_object(server, rules);
        hash::set_content_hash(&mut object);
        key.sign_event(server.as_str(), &mut object, rules);
        Pdu::parse(object, rules.version)
    }

    #[expect(clippy::unused_self, reason = "a detail of the draft's form")]
    fn references(&self, references: &[Reference], rules: &RoomVersionRules) -> Value {
        references
            .iter()
            .map(|reference| {
                let id = Value::from(reference.event_id.as_str());
                if rules.event_id == EventIdFormat::Chosen {
                    let hash = Value::from(BASE64.encode(reference.hash));
                    vec![id, Object::from([("sha256".to_owned(), hash)]).into()].into()
                } else {
                    id
                }
            })
            .collect::<Vec<Value>>()
            .into()
    }
}

/// The 32 bytes that stand for an event id in the store (see [`Pdu::hash`]).
pub fn event_hash(event_id: &EventId, rules: &RoomVersionRules) -> [u8; 32] {
    let text = event_id.as_str().strip_prefix('$').unwrap_or_default();
    let decoded = match rules.event_id {
        EventIdFormat::Chosen => None,
        EventIdFormat::HashStandard => BASE64.decode(text).ok(),
        EventIdFormat::HashUrlSafe => BASE64_URL.decode(text).ok(),
    };
    decoded
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or_else(|| hash::sha256(event_id.as_str().as_bytes()))
}

/// The id of an event whose 32 bytes are known; `None` where ids are not hashes.
pub fn event_id_of_hash(hash: &[u8; 32], rules: &RoomVersionRules) -> Option<OwnedEventId> {
    let text = match rules.event_id {
        EventIdFormat::Chosen => return None,
        EventIdFormat::HashStandard => BASE64.encode(hash),
        EventIdFormat::HashUrlSafe => BASE64_URL.encode(hash),
    };
    EventId::parse(format!("${text}")).ok()
}

fn event_id(object: &Object, rules: &RoomVersionRules) -> Result<OwnedEventId, PduError> {
    if rules.event_id == EventIdFormat::Chosen {
        return text(object, "event_id")?
            .and_then(|id| EventId::parse(id).ok())
            .ok_or(PduError::Field("event_id"));
    }
    event_id_of_hash(&hash::reference_hash(object, rules), rules).ok_or(PduError::Field("event_id"))
}

fn room_id(
    object: &Object,
    kind: &str,
    state_key: Option<&str>,
    event_id: &EventId,
    rules: &RoomVersionRules,
) -> Result<OwnedRoomId, PduError> {
    if rules.room_id_is_create_hash && kind == "m.room.create" && state_key == Some("") {
        if object.contains_key("room_id") {
            return Err(PduError::Field("room_id"));
        }
        let hash = event_id.as_str().trim_start_matches('$');
        return RoomId::parse(format!("!{hash}")).map_err(|_| PduError::Field("room_id"));
    }
    text(object, "room_id")?
        .and_then(|id| RoomId::parse(id).ok())
        .ok_or(PduError::Field("room_id"))
}

fn redaction_target(object: &Object, kind: &str, rules: &RoomVersionRules) -> Option<OwnedEventId> {
    if kind != "m.room.redaction" {
        return None;
    }
    let target = if rules.redacts_in_content {
        object
            .get("content")
            .and_then(Value::as_object)
            .and_then(|content| content.get("redacts"))
    } else {
        object.get("redacts")
    };
    target
        .and_then(Value::as_str)
        .and_then(|id| EventId::parse(id).ok())
}

fn text<'a>(object: &'a Object, key: &'static str) -> Result<Option<&'a str>, PduError> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_ID_BYTES => Ok(Some(text)),
        Some(_) => Err(PduError::Field(key)),
    }
}

fn integer(object: &Object, key: &'static str) -> Result<i64, PduError> {
    object
        .get(key)
        .and_then(Value::as_int)
        .ok_or(PduError::Field(key))
}

fn references(
    object: &Object,
    key: &'static str,
    rules: &RoomVersionRules,
    most: usize,
) -> Result<Vec<OwnedEventId>, PduError> {
    let items = object
        .get(key)
        .and_then(Value::as_array)
        .ok_or(PduError::Field(key))?;
    if items.len() > most {
        return Err(PduError::TooLarge);
    }
    items
        .iter()
        .map(|item| {
            let id = match (rules.event_id, item) {
                (EventIdFormat::Chosen, Value::Array(pair)) => pair.first().and_then(Value::as_str),
                (EventIdFormat::Chosen, _) => None,
                (_, item) => item.as_str(),
            };
            id.filter(|id| id.len() <= MAX_ID_BYTES)
                .and_then(|id| EventId::parse(id).ok())
                .ok_or(PduError::Field(key))
        })
        .collect()
}

#[cfg(test)]
mod tests;
