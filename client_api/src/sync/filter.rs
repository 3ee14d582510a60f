//! The filter of a sync.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#filtering>.

use gantry_homeserver::{EventFilter, FeedOptions};
use gantry_model::{
    Object,
    canonical_json::object_to_bytes,
    id::{OwnedRoomId, RoomId},
};
use serde::Deserialize;

use super::fields::EventFields;

/// A filter as `/user/{userId}/filter` takes it. Fields that it does not know are ignored, as the
/// specification asks; fields of a wrong type make the whole filter malformed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filter {
    /// Whether events come as clients or as servers see them.
    pub(crate) event_format: EventFormat,
    /// The fields of events that are wanted; `None`: all.
    pub(crate) event_fields: Option<EventFields>,
    /// Who is there.
    pub(crate) presence: EventFilter,
    /// The user's own data that belongs to no room.
    pub(crate) account_data: EventFilter,
    /// Rooms and what is in them.
    pub(crate) room: RoomFilter,
}

/// The form of events in the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventFormat {
    /// The form of the client-server API.
    #[default]
    Client,
    /// The form of the federation API.
    Federation,
}

/// The part of a filter that is about rooms.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RoomFilter {
    /// Only these rooms.
    rooms: Option<Vec<OwnedRoomId>>,
    /// Not these rooms, even if `rooms` has them.
    not_rooms: Vec<OwnedRoomId>,
    /// Also rooms that were left before the sync began.
    include_leave: bool,
    /// The events of the timeline.
    pub(crate) timeline: EventFilter,
    /// The state events beside the timeline.
    pub(crate) state: EventFilter,
    /// Receipts and typing notifications.
    pub(crate) ephemeral: EventFilter,
    /// The user's own data about the room.
    pub(crate) account_data: EventFilter,
}

impl Filter {
    /// Reads an inline filter, the JSON of a query parameter.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Reads a stored filter.
    pub(crate) fn from_object(object: &Object) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(&object_to_bytes(object))
    }

    /// What of it the feed has to know.
    pub(crate) fn feed_options(&self, full_state: bool) -> FeedOptions {
        FeedOptions {
            timeline: self.room.timeline.clone(),
            include_leave: self.room.include_leave,
            rooms: self.room.rooms.clone(),
            not_rooms: self.room.not_rooms.clone(),
            full_state,
        }
    }
}

impl RoomFilter {
    /// Whether members are only told as far as their messages are; either filter may ask for it.
    pub(crate) fn lazy_load_members(&self) -> bool {
        self.state.lazy_load_members || self.timeline.lazy_load_members
    }

    /// Whether members may be told again.
    pub(crate) fn include_redundant_members(&self) -> bool {
        self.state.include_redundant_members || self.timeline.include_redundant_members
    }

    /// Whether threads are counted apart.
    pub(crate) fn counts_threads(&self) -> bool {
        self.timeline.unread_thread_notifications
    }

    /// Whether a kind of ephemeral event is wanted of the room.
    pub(crate) fn allows_ephemeral(&self, room: &RoomId, kind: &str) -> bool {
        self.ephemeral.allows_room(room) && self.ephemeral.allows_kind(kind)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_fields_are_ignored() {
        let filter = Filter::parse(r#"{"room":{"timeline":{"limit":5,"x":1}},"y":{}}"#);

        assert_eq!(filter.expect("a filter").room.timeline.limit, Some(5));
    }

    #[test]
    fn a_field_of_a_wrong_type_is_refused() {
        assert!(Filter::parse(r#"{"room":{"timeline":{"types":"m.room.message"}}}"#).is_err());
        assert!(Filter::parse(r#"{"room":{"rooms":["no room"]}}"#).is_err());
        assert!(Filter::parse("[]1").is_err());
    }

    #[test]
    fn rooms_and_limits_reach_the_feed() {
        let text = r#"{"room":{"not_rooms":["!a:b"],"include_leave":true,"timeline":{"limit":3}}}"#;

        let options = Filter::parse(text).expect("a filter").feed_options(true);

        assert_eq!(options.not_rooms.len(), 1);
        assert!(options.include_leave && options.full_state);
        assert_eq!(options.timeline.limit, Some(3));
    }

    proptest! {
        #[test]
        fn any_text_is_a_filter_or_refused(text in r#"[{}"\[\]:,a-z_0-9]{0,60}"#) {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(!filter.feed_options(false).full_state);
            }
        }

        #[test]
        fn shaped_filters_are_read_or_refused(
            field in "(types|not_types|senders|rooms|limit|contains_url|lazy_load_members)",
            value in r#"(null|true|1|-1|"x"|\[\]|\["\*"\]|\["!a:b"\]|\[1\]|\{\}|1e99)"#,
        ) {
            let text = format!(r#"{{"room":{{"timeline":{{"{field}":{value}}}}}}}"#);
            let stored = gantry_model::canonical_json::parse_object(text.as_bytes());
            let stored = stored.expect("an object");

            prop_assert_eq!(Filter::parse(&text).is_ok(), Filter::from_object(&stored).is_ok());
        }
    }
}
