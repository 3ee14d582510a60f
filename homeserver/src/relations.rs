//! Events that relate to an event.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#relationships-api>.

use gantry_accounts::Session;
use gantry_model::id::{EventId, RoomId};
use gantry_rooms::{Direction, RoomEvent, TimelineKey};

use crate::{Error, Reading, Result};

/// The most events of a page.
const MAX_LIMIT: usize = 1_000;

/// Which relations are wanted.
#[derive(Debug, Clone)]
pub struct RelationsQuery {
    /// Only of this kind.
    pub rel_type: Option<String>,
    /// Only events of this type.
    pub event_type: Option<String>,
    /// Where the page begins; `None`: at the newest backwards, at the oldest forwards.
    pub from: Option<String>,
    /// The most events.
    pub limit: usize,
    /// Which way.
    pub direction: Direction,
}

/// A page of relations.
#[derive(Debug, Clone)]
pub struct Relations {
    /// The events in the direction of the page.
    pub chunk: Vec<RoomEvent>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_batch: Option<String>,
    /// Where this page began, if that was named.
    pub prev_batch: Option<String>,
}

impl Reading {
    /// A page of the events that relate to an event, as the user may see them.
    pub async fn relations(
        &self,
        session: &Session,
        room: &RoomId,
        target: &EventId,
        query: RelationsQuery,
    ) -> Result<Relations> {
        self.core.readable_view(&session.user_id, room).await?;
        self.core
            .visible_event(&session.user_id, room, target)
            .await?;
        let from = match &query.from {
            Some(from) => Some(from.parse().map_err(|_| Error::invalid("Not a token"))?),
            None => None,
        };
        let mut events = self.core.rooms.relations(room, target).await?;
        events.retain(|event| is_wanted(event, &query) && is_ahead(event, from, query.direction));
        let mut events = self.core.visible(&session.user_id, room, events).await?;
        events.sort_by_key(|event| event.key);
        if query.direction == Direction::Backward {
            events.reverse();
        }
        let limit = query.limit.clamp(1, MAX_LIMIT);
        let has_more = events.len() > limit;
        events.truncate(limit);
        let last = events
            .last()
            .and_then(|event| event.key)
            .filter(|_| has_more);
        Ok(Relations {
            chunk: events,
            next_batch: last.map(|key| match query.direction {
                Direction::Backward => key.to_string(),
                Direction::Forward => key.next().to_string(),
            }),
            prev_batch: query.from,
        })
    }
}

fn is_wanted(event: &RoomEvent, query: &RelationsQuery) -> bool {
    let Some(relation) = &event.relation else {
        return false;
    };
    // A redaction aims at its target, but for clients it does not relate to it; nor does what was
    // redacted.
    event.pdu.redacts().is_none()
        && event.redacted_because.is_none()
        && query
            .rel_type
            .as_ref()
            .is_none_or(|kind| *kind == relation.kind)
        && query
            .event_type
            .as_ref()
            .is_none_or(|kind| kind == event.pdu.kind())
}

/// A token is the point before the event with that key.
fn is_ahead(event: &RoomEvent, from: Option<TimelineKey>, direction: Direction) -> bool {
    let (Some(key), Some(from)) = (event.key, from) else {
        return event.key.is_some();
    };
    match direction {
        Direction::Backward => key < from,
        Direction::Forward => key >= from,
    }
}
