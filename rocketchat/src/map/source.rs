//! What the mapping looks at: an event without how it is stored, and the people of its room.

use gantry_homeserver::RoomEvent;
use gantry_homeserver::workspace::{message_id, rc_user_id};
use gantry_model::Object;
use gantry_model::id::{EventId, ServerName, UserId};

use super::name::username;
use crate::dto::user::UserRef;

/// An event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// Its Rocket.Chat id.
    pub(crate) id: &'a str,
    pub(crate) event_id: &'a EventId,
    pub(crate) kind: &'a str,
    pub(crate) state_key: Option<&'a str>,
    pub(crate) sender: &'a UserId,
    /// In milliseconds since the Unix epoch.
    pub(crate) ts: i64,
    pub(crate) content: &'a Object,
    /// Whether its content was taken.
    pub(crate) redacted: bool,
    /// The content of the state event that it replaced.
    pub(crate) before: Option<&'a Object>,
    /// The kind and target of its relation.
    pub(crate) relation: Option<(&'a str, &'a EventId)>,
}

impl<'a> Source<'a> {
    /// The event of the log; `id` is its id from [`message_id::of`].
    pub(crate) fn of(event: &'a RoomEvent, id: &'a str) -> Self {
        let pdu = &event.pdu;
        let relation = event.relation.as_ref();
        Self {
            id,
            event_id: pdu.event_id(),
            kind: pdu.kind(),
            state_key: pdu.state_key(),
            sender: pdu.sender(),
            ts: pdu.origin_server_ts(),
            content: pdu.content(),
            redacted: event.redacted_because.is_some(),
            before: event.replaces.as_ref().map(|before| before.content()),
            relation: relation.map(|relation| (relation.kind.as_str(), &*relation.target)),
        }
    }

    /// Calls `map` with an event of the log.
    pub(crate) fn with<T>(event: &RoomEvent, map: impl FnOnce(Source<'_>) -> T) -> T {
        map(Source::of(event, &message_id::of(event)))
    }
}

/// The people of a room.
#[derive(Clone, Copy)]
pub(crate) struct People<'a> {
    /// Our server.
    pub(crate) server: &'a ServerName,
    /// Their display names.
    pub(crate) names: &'a (dyn Fn(&UserId) -> Option<String> + Send + Sync),
}

impl People<'_> {
    /// A user as others refer to him.
    pub(crate) fn user_ref(&self, user: &UserId) -> UserRef {
        UserRef {
            id: rc_user_id(user),
            username: username(user, self.server),
            name: Some(self.name(user)),
        }
    }

    /// A user's display name, or else his user name.
    pub(crate) fn name(&self, user: &UserId) -> String {
        (self.names)(user).unwrap_or_else(|| username(user, self.server))
    }
}
