//! What an event relates to, as its log entry keeps it.

use gantry_model::{
    Pdu, Value,
    id::{EventId, OwnedEventId},
};

/// The relation of a redaction to its target. Clients never see this name.
pub(crate) const REDACTION: &str = "m.redaction";

/// The relation of an event to another one of its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// `m.replace`, `m.annotation`, `m.thread`, ...; `m.redaction` for a redaction.
    pub kind: String,
    /// The event it relates to.
    pub target: OwnedEventId,
}

impl Relation {
    /// The relation of an event, if it has one.
    pub fn of(pdu: &Pdu) -> Option<Self> {
        if let Some(target) = pdu.redacts() {
            return Some(Self {
                kind: REDACTION.to_owned(),
                target: target.to_owned(),
            });
        }
        let relates_to = pdu
            .content()
            .get("m.relates_to")
            .and_then(Value::as_object)?;
        let kind = relates_to.get("rel_type").and_then(Value::as_str)?;
        let target = relates_to.get("event_id").and_then(Value::as_str)?;
        if kind.len() > 255 || kind == REDACTION {
            return None;
        }
        Some(Self {
            kind: kind.to_owned(),
            target: EventId::parse(target).ok()?,
        })
    }
}
