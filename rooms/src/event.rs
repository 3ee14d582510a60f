//! An event as readers see it, and its place in the timeline.

use std::{fmt, str::FromStr, sync::Arc};

use base64::Engine;
use gantry_model::{
    Pdu,
    hash::BASE64_URL,
    id::{EventId, OwnedEventId},
};
use gantry_store::Position;

use crate::{Membership, Relation, codec::Group};

/// A place in a room's timeline: `anchor(8) ‖ depth(8) ‖ tie(4)`. As a token it is the point just
/// before the entry with that key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimelineKey([u8; 20]);

impl TimelineKey {
    /// The place before everything.
    pub const START: Self = Self([0; 20]);
    /// The place after everything.
    pub const END: Self = Self([0xff; 20]);

    /// The place of the live entry at `pos`.
    pub(crate) fn live(pos: u64) -> Self {
        Self::new(pos, u64::MAX, 0)
    }

    /// The point after everything that belongs to the live entry at `pos`.
    pub(crate) fn after_live(pos: u64) -> Self {
        Self::new(pos + 1, 0, 0)
    }

    /// A place from its parts.
    pub(crate) fn new(anchor: u64, depth: u64, tie: u32) -> Self {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&anchor.to_be_bytes());
        bytes[8..16].copy_from_slice(&depth.to_be_bytes());
        bytes[16..].copy_from_slice(&tie.to_be_bytes());
        Self(bytes)
    }

    /// The place right behind this one.
    #[must_use]
    pub fn next(mut self) -> Self {
        for byte in self.0.iter_mut().rev() {
            let (sum, carry) = byte.overflowing_add(1);
            *byte = sum;
            if !carry {
                break;
            }
        }
        self
    }

    /// The key's bytes; their order is the order of the timeline.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The key of these bytes, if there are as many as a key has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes)
    }

    /// Whether the entry there came live; else it is history that was fetched later.
    pub fn is_live(&self) -> bool {
        self.0[8..16] == [0xff; 8]
    }
}

impl fmt::Display for TimelineKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "t{}", BASE64_URL.encode(self.0))
    }
}

/// The text is no timeline token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a timeline token")]
pub struct InvalidTimelineKey;

impl FromStr for TimelineKey {
    type Err = InvalidTimelineKey;

    fn from_str(text: &str) -> Result<Self, InvalidTimelineKey> {
        text.strip_prefix('t')
            .filter(|rest| rest.len() <= 32)
            .and_then(|rest| BASE64_URL.decode(rest).ok())
            .and_then(|bytes| Self::from_slice(&bytes))
            .ok_or(InvalidTimelineKey)
    }
}

/// What is special about a log entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventFlags {
    /// Soft-failed: never shown.
    pub soft: bool,
    /// Not all of its previous events were known when it was appended.
    pub gap: bool,
    /// Applying it to the state before does not give the state after it (see `event-log`, `div`).
    pub div: bool,
    /// We must relay it to other servers.
    pub out: bool,
    /// Appended while the room's state was not complete.
    pub partial: bool,
    /// Drafted here.
    pub local: bool,
    /// Imported: no push, no unread counts.
    pub quiet: bool,
}

impl EventFlags {
    pub(crate) fn to_bits(self) -> i32 {
        i32::from(self.soft)
            | i32::from(self.gap) << 1
            | i32::from(self.div) << 2
            | i32::from(self.out) << 3
            | i32::from(self.partial) << 4
            | i32::from(self.local) << 5
            | i32::from(self.quiet) << 6
    }

    pub(crate) fn from_bits(bits: i32) -> Self {
        Self {
            soft: bits & 1 != 0,
            gap: bits & 2 != 0,
            div: bits & 4 != 0,
            out: bits & 8 != 0,
            partial: bits & 16 != 0,
            local: bits & 32 != 0,
            quiet: bits & 64 != 0,
        }
    }
}

/// The request that an event came from: what makes a repetition of it harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// The device, or another name of the client's session.
    pub device: String,
    /// The endpoint that was called.
    pub endpoint: &'static str,
    /// The client's transaction id.
    pub id: String,
}

/// The answer to a submitted event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The event's id.
    pub event_id: OwnedEventId,
    /// Whether the request had been served before; then nothing was written.
    pub repeated: bool,
    /// The event's position.
    pub position: Position,
}

/// An event of the log as it is read.
#[derive(Debug, Clone)]
pub struct RoomEvent {
    /// The event; redacted if a valid redaction of it is known.
    pub pdu: Arc<Pdu>,
    /// Where it stands in the stream of everything.
    pub position: Position,
    /// Where it stands in its room's log.
    pub pos: u64,
    /// Where it stands in the timeline; `None` for a soft-failed one.
    pub key: Option<TimelineKey>,
    /// What is special about it.
    pub flags: EventFlags,
    /// Device and transaction id of the request it came from.
    pub txn: Option<(String, String)>,
    /// The Rocket.Chat id that its client chose.
    pub rc: Option<String>,
    /// The redaction that took its content.
    pub redacted_because: Option<Arc<Pdu>>,
    /// For a state event, the event that it replaced.
    pub replaces: Option<Arc<Pdu>>,
    /// What it relates to.
    pub relation: Option<Relation>,
    /// The membership that the user had after it for whom it was looked at
    /// ([`Rooms::visible`](crate::Rooms::visible)).
    pub membership: Option<Membership>,
    pub(crate) sb: Option<Group>,
    pub(crate) sa: Option<Group>,
    pub(crate) cs: Group,
}

impl RoomEvent {
    /// The event's id.
    pub fn event_id(&self) -> &EventId {
        self.pdu.event_id()
    }

    /// The 32 bytes that stand for the event.
    pub fn hash(&self) -> [u8; 32] {
        self.pdu.hash()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn history_stands_before_its_anchor_and_after_the_entry_before() {
        let history = TimelineKey::new(7, 3, 9);

        assert!(TimelineKey::live(6) < history);
        assert!(history < TimelineKey::live(7));
        assert!(TimelineKey::after_live(6) < history);
    }

    proptest! {
        #[test]
        fn tokens_come_back(anchor: u64, depth: u64, tie: u32) {
            let key = TimelineKey::new(anchor, depth, tie);

            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }

        #[test]
        fn any_text_is_a_token_or_refused(text in "t?[A-Za-z0-9_+/=-]{0,40}") {
            if let Ok(key) = text.parse::<TimelineKey>() {
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }

        #[test]
        fn flags_come_back(bits in 0_i32..128) {
            prop_assert_eq!(EventFlags::from_bits(bits).to_bits(), bits);
        }
    }
}
