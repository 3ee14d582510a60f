//! Filters for events, as clients write them.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#filtering>, `RoomEventFilter`.

use gantry_model::{
    Object, Pdu,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use serde::{Deserialize, Serialize};

use crate::content::relation;

/// Which events of rooms a client wants. The default wants all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// The most events to return.
    pub limit: Option<usize>,
    /// The types to include, where `*` stands for any text; `None`: all.
    pub types: Option<Vec<String>>,
    /// The types to leave out, which wins.
    pub not_types: Vec<String>,
    /// The senders to include; `None`: all.
    pub senders: Option<Vec<OwnedUserId>>,
    /// The senders to leave out, which wins.
    pub not_senders: Vec<OwnedUserId>,
    /// The rooms to include; `None`: all.
    pub rooms: Option<Vec<OwnedRoomId>>,
    /// The rooms to leave out, which wins.
    pub not_rooms: Vec<OwnedRoomId>,
    /// Only events whose content has (`true`) or has not (`false`) a `url`.
    pub contains_url: Option<bool>,
    /// Of the memberships, only those of the senders in the timeline.
    pub lazy_load_members: bool,
    /// Repeat memberships that the client was given before.
    pub include_redundant_members: bool,
    /// Count unread messages of threads by themselves.
    pub unread_thread_notifications: bool,
    /// Only events that relate to others in one of these ways (MSC3874).
    #[serde(rename = "org.matrix.msc3874.rel_types", alias = "rel_types")]
    pub rel_types: Option<Vec<String>>,
    /// Not those that relate to others in one of these ways (MSC3874), which wins.
    #[serde(rename = "org.matrix.msc3874.not_rel_types", alias = "not_rel_types")]
    pub not_rel_types: Vec<String>,
    /// Only events to which an event of one of these users relates.
    pub related_by_senders: Option<Vec<OwnedUserId>>,
    /// Only events to which an event relates in one of these ways.
    pub related_by_rel_types: Option<Vec<String>>,
}

impl EventFilter {
    /// Whether an event passes.
    pub fn matches(&self, kind: &str, sender: &UserId, content: &Object) -> bool {
        self.allows_kind(kind)
            && self.allows_sender(sender)
            && self
                .contains_url
                .is_none_or(|wanted| content.contains_key("url") == wanted)
            && self.allows_relation(content)
    }

    /// Whether an event's children can keep it from passing, which [`EventFilter::matches`] does
    /// not look at.
    pub(crate) fn asks_for_children(&self) -> bool {
        // matrix-js-sdk sends empty lists where it asks for nothing.
        let asks = |wanted: Option<bool>| wanted == Some(false);
        asks(self.related_by_senders.as_ref().map(Vec::is_empty))
            || asks(self.related_by_rel_types.as_ref().map(Vec::is_empty))
    }

    /// Whether a child makes its parent pass.
    pub(crate) fn wants_child(&self, child: &Pdu, rel_type: &str) -> bool {
        let by_sender = self.related_by_senders.as_ref().is_none_or(|senders| {
            senders.is_empty() || senders.iter().any(|one| one == child.sender())
        });
        by_sender
            && self
                .related_by_rel_types
                .as_ref()
                .is_none_or(|kinds| kinds.is_empty() || kinds.iter().any(|kind| kind == rel_type))
    }

    fn allows_relation(&self, content: &Object) -> bool {
        let kind = relation(content).map(|(kind, _)| kind);
        let is_among = |kinds: &[String]| kinds.iter().any(|one| Some(one.as_str()) == kind);
        !is_among(&self.not_rel_types) && self.rel_types.as_deref().is_none_or(is_among)
    }

    /// Whether an event passes.
    pub fn matches_pdu(&self, pdu: &Pdu) -> bool {
        self.matches(pdu.kind(), pdu.sender(), pdu.content())
    }

    /// Whether events of the room can pass.
    pub fn allows_room(&self, room: &RoomId) -> bool {
        !self.not_rooms.iter().any(|not| not == room)
            && self
                .rooms
                .as_ref()
                .is_none_or(|rooms| rooms.iter().any(|wanted| wanted == room))
    }

    /// Whether events of the type can pass.
    pub fn allows_kind(&self, kind: &str) -> bool {
        !self.not_types.iter().any(|pattern| glob(pattern, kind))
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.iter().any(|pattern| glob(pattern, kind)))
    }

    /// Whether every event of an allowed room passes.
    pub fn passes_all(&self) -> bool {
        self.types.is_none()
            && self.not_types.is_empty()
            && self.senders.is_none()
            && self.not_senders.is_empty()
            && self.contains_url.is_none()
            && self.rel_types.is_none()
            && self.not_rel_types.is_empty()
            && !self.asks_for_children()
    }

    fn allows_sender(&self, sender: &UserId) -> bool {
        !self.not_senders.iter().any(|not| not == sender)
            && self
                .senders
                .as_ref()
                .is_none_or(|all| all.iter().any(|wanted| wanted == sender))
    }
}

/// Whether the text fits the pattern, in which `*` stands for any text. Linear but for the search
/// of each piece: pieces between stars are taken at their first place, which is always enough.
fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(glob("m.room.*", "m.room.message"));
        assert!(glob("*", ""));
        assert!(glob("m.*.m*e", "m.room.message"));
        assert!(glob("m.room.message", "m.room.message"));
        assert!(!glob("m.room", "m.room.message"));
        assert!(!glob("m.*.x*", "m.room.message"));
        assert!(!glob("ab*ba", "aba"));
    }

    #[test]
    fn leaving_out_wins() {
        let filter: EventFilter = serde_json::from_str(
            r#"{"types":["m.room.*"],"not_types":["m.room.member"],"contains_url":false}"#,
        )
        .expect("a filter");
        let user = gantry_model::id::parse_user("@a:b").expect("a user");
        let with_url = crate::content::text("url", "mxc://b/1");

        assert!(filter.matches("m.room.message", &user, &Object::new()));
        assert!(!filter.matches("m.room.member", &user, &Object::new()));
        assert!(!filter.matches("m.reaction", &user, &Object::new()));
        assert!(!filter.matches("m.room.message", &user, &with_url));
    }

    #[test]
    fn relations_are_chosen_by_their_kind() {
        let filter = |text: &str| serde_json::from_str::<EventFilter>(text).expect("a filter");
        let threads = filter(r#"{"org.matrix.msc3874.rel_types":["m.thread"]}"#);
        let others = filter(r#"{"not_rel_types":["m.thread"]}"#);
        let user = gantry_model::id::parse_user("@a:b").expect("a user");
        let reply = gantry_model::canonical_json::parse_object(
            br#"{"m.relates_to":{"rel_type":"m.thread","event_id":"$a"}}"#,
        )
        .expect("an object");
        let matches =
            |filter: &EventFilter, content: &Object| filter.matches("m.x", &user, content);

        assert!(matches(&threads, &reply) && !matches(&threads, &Object::new()));
        assert!(!matches(&others, &reply) && matches(&others, &Object::new()));
        assert!(!threads.passes_all() && !others.passes_all());
    }

    #[test]
    fn an_empty_list_of_types_wants_nothing() {
        let filter = EventFilter {
            types: Some(Vec::new()),
            ..EventFilter::default()
        };

        assert!(!filter.allows_kind("m.room.message"));
    }
}
