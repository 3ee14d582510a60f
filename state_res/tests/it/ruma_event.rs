//! Our events as ruma-state-res takes them.

use std::sync::Arc;

use gantry_model::{Pdu, id::OwnedEventId};
use gantry_state_res::AuthEvent;
use ruma::{MilliSecondsSinceUnixEpoch, RoomId, UInt, UserId, events::TimelineEventType};
use ruma_state_res::Event;
use serde_json::value::RawValue;

/// An event as ruma wants it.
#[derive(Clone)]
pub(crate) struct RumaEvent(Arc<Inner>);

struct Inner {
    pdu: Arc<Pdu>,
    id: OwnedEventId,
    kind: TimelineEventType,
    content: Box<RawValue>,
    rejected: bool,
}

impl RumaEvent {
    pub(crate) fn new(event: &AuthEvent) -> Self {
        let pdu = &event.pdu;
        let content = serde_json::to_string(pdu.content()).expect("content is JSON");
        Self(Arc::new(Inner {
            id: pdu.event_id().to_owned(),
            kind: pdu.kind().into(),
            content: RawValue::from_string(content).expect("content is JSON"),
            rejected: event.rejected,
            pdu: Arc::clone(pdu),
        }))
    }
}

impl Event for RumaEvent {
    type Id = OwnedEventId;

    fn event_id(&self) -> &OwnedEventId {
        &self.0.id
    }

    fn room_id(&self) -> Option<&RoomId> {
        let pdu = &self.0.pdu;
        pdu.object().get("room_id").map(|_| pdu.room_id())
    }

    fn sender(&self) -> &UserId {
        self.0.pdu.sender()
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        let ts = UInt::try_from(self.0.pdu.origin_server_ts()).unwrap_or_default();
        MilliSecondsSinceUnixEpoch(ts)
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.0.kind
    }

    fn content(&self) -> &RawValue {
        &self.0.content
    }

    fn state_key(&self) -> Option<&str> {
        self.0.pdu.state_key()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.0.pdu.prev_events().iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &OwnedEventId> + '_> {
        Box::new(self.0.pdu.auth_events().iter())
    }

    fn redacts(&self) -> Option<&OwnedEventId> {
        None
    }

    fn rejected(&self) -> bool {
        self.0.rejected
    }
}
