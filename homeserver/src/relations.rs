//! Events that relate to an event.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#relationships-api>.

use std::collections::BTreeMap;

use gantry_accounts::Session;
use gantry_model::id::{EventId, OwnedEventId, RoomId};
use gantry_rooms::{Direction, RoomEvent, TimelineKey};

use crate::{PageToken, Reading, Result};

/// The most events of a page.
const MAX_LIMIT: usize = 1_000;
/// How many children of one event are looked at.
const MAX_CHILDREN: usize = 5_000;
/// How many events are looked at in all.
const MAX_LOOKED_AT: usize = 10_000;
/// How far relations of relations are followed.
const DEPTH: u64 = 3;

/// Which relations are wanted.
#[derive(Debug, Clone)]
pub struct RelationsQuery {
    /// Only of this kind.
    pub rel_type: Option<String>,
    /// Only events of this type.
    pub event_type: Option<String>,
    /// Where the page begins; `None`: at the newest backwards, at the oldest forwards.
    pub from: Option<PageToken>,
    /// Where it ends at the latest.
    pub to: Option<PageToken>,
    /// The most events.
    pub limit: usize,
    /// Which way.
    pub direction: Direction,
    /// Whether relations of relations are wanted too.
    pub recurse: bool,
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
    /// How far relations of relations were followed, if they were wanted.
    pub recursion_depth: Option<u64>,
}

/// A stretch of the timeline.
struct Stretch {
    low: Option<TimelineKey>,
    high: Option<TimelineKey>,
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
        let user = &session.user_id;
        self.core.readable_view(user, room).await?;
        self.core.visible_event(user, room, target).await?;
        let stretch = self.stretch(room, &query).await?;
        let ignored = self.core.ignored(user).await?;
        let mut events = self.related(room, target, query.recurse).await?;
        events.retain(|event| {
            is_wanted(event, &query) && stretch.holds(event) && !ignored.hides(&event.pdu)
        });
        let mut events = self.core.visible(user, room, events).await?;
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
            prev_batch: query.from.map(|from| from.to_string()),
            recursion_depth: query.recurse.then_some(DEPTH),
        })
    }

    /// Everything that relates to an event, directly or through other events.
    async fn related(
        &self,
        room: &RoomId,
        target: &EventId,
        recurse: bool,
    ) -> Result<Vec<RoomEvent>> {
        let mut found: BTreeMap<OwnedEventId, RoomEvent> = BTreeMap::new();
        let mut targets = vec![target.to_owned()];
        let depth = if recurse { DEPTH } else { 1 };
        for _ in 0..depth {
            let rooms = &self.core.rooms;
            let mut next = Vec::new();
            for related in rooms.related(room, &targets, MAX_CHILDREN).await? {
                for event in related.events {
                    let id = event.event_id().to_owned();
                    if id != target && found.len() < MAX_LOOKED_AT && !found.contains_key(&id) {
                        next.push(id.clone());
                        found.insert(id, event);
                    }
                }
            }
            targets = next;
            if targets.is_empty() {
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    async fn stretch(&self, room: &RoomId, query: &RelationsQuery) -> Result<Stretch> {
        let mut ends = [None, None];
        for (end, token) in ends.iter_mut().zip([&query.from, &query.to]) {
            if let Some(token) = token {
                *end = Some(self.key_of(room, token.clone()).await?);
            }
        }
        let [from, to] = ends;
        Ok(match query.direction {
            Direction::Backward => Stretch {
                low: to,
                high: from,
            },
            Direction::Forward => Stretch {
                low: from,
                high: to,
            },
        })
    }
}

impl Stretch {
    /// A token is the point before the event with that key.
    fn holds(&self, event: &RoomEvent) -> bool {
        event.key.is_some_and(|key| {
            self.low.is_none_or(|low| key >= low) && self.high.is_none_or(|high| key < high)
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
