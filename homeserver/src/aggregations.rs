//! What clients are told of an event's children along with it: its newest edit, its thread, what
//! refers to it.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events>.

use std::collections::HashMap;

use gantry_accounts::Session;
use gantry_model::id::{EventId, OwnedEventId, RoomId, UserId};
use gantry_rooms::{Related, RoomEvent, newest_edit};

use crate::{Reading, Result, core::Core, ignored::Ignored};

/// How many children of an event are looked at.
const MAX_CHILDREN: usize = 1_000;
/// The most references that are named.
const MAX_REFERENCES: usize = 100;

/// What is told along with events, by their ids.
#[derive(Debug, Clone, Default)]
pub struct Aggregations(HashMap<OwnedEventId, Aggregation>);

/// What is told along with one event.
#[derive(Debug, Clone, Default)]
pub struct Aggregation {
    /// Its newest valid edit.
    pub replace: Option<RoomEvent>,
    /// The thread that it began.
    pub thread: Option<ThreadSummary>,
    /// The events that refer to it.
    pub references: Vec<OwnedEventId>,
}

/// A thread in short.
#[derive(Debug, Clone)]
pub struct ThreadSummary {
    /// The newest event in it.
    pub latest: RoomEvent,
    /// How many events are in it, its root not counted.
    pub count: u64,
    /// Whether the reader wrote any of it.
    pub participated: bool,
}

impl Aggregations {
    /// Adds what is told along with other events.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What is told along with an event.
    pub fn of(&self, event: &EventId) -> Option<&Aggregation> {
        self.0.get(event)
    }
}

impl Aggregation {
    fn is_empty(&self) -> bool {
        self.replace.is_none() && self.thread.is_none() && self.references.is_empty()
    }
}

impl Reading {
    /// What is told along with these events, as the user may see it.
    pub async fn aggregations(
        &self,
        session: &Session,
        room: &RoomId,
        events: &[RoomEvent],
    ) -> Result<Aggregations> {
        let ignored = self.core.ignored(&session.user_id).await?;
        self.core
            .aggregations(&session.user_id, &ignored, room, events)
            .await
    }
}

impl Core {
    /// What is told along with these events of a room, and with the newest events of the threads
    /// among them.
    pub(crate) async fn aggregations(
        &self,
        user: &UserId,
        ignored: &Ignored,
        room: &RoomId,
        events: &[RoomEvent],
    ) -> Result<Aggregations> {
        let reader = Reader {
            user,
            ignored,
            room,
        };
        let mut known = HashMap::new();
        let latest = self.aggregate(&reader, events, &mut known).await?;
        // Once more for those: their edits belong to the summary. They begin no threads.
        self.aggregate(&reader, &latest, &mut known).await?;
        Ok(Aggregations(known))
    }

    async fn aggregate(
        &self,
        reader: &Reader<'_>,
        events: &[RoomEvent],
        known: &mut HashMap<OwnedEventId, Aggregation>,
    ) -> Result<Vec<RoomEvent>> {
        let parents: Vec<_> = events
            .iter()
            .filter(|event| may_have_children(event) && !known.contains_key(event.event_id()))
            .collect();
        let ids: Vec<_> = parents
            .iter()
            .map(|event| event.event_id().to_owned())
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let related = self.rooms.related(reader.room, &ids, MAX_CHILDREN).await?;
        let mut latest = Vec::new();
        for (parent, related) in parents.into_iter().zip(related) {
            if related.events.is_empty() {
                continue;
            }
            let aggregation = self.of_parent(reader, parent, related).await?;
            latest.extend(
                aggregation
                    .thread
                    .iter()
                    .map(|thread| thread.latest.clone()),
            );
            if !aggregation.is_empty() {
                known.insert(parent.event_id().to_owned(), aggregation);
            }
        }
        Ok(latest)
    }

    async fn of_parent(
        &self,
        reader: &Reader<'_>,
        parent: &RoomEvent,
        related: Related,
    ) -> Result<Aggregation> {
        let Related { mut events, more } = related;
        events
            .retain(|event| event.redacted_because.is_none() && !reader.ignored.hides(&event.pdu));
        let children = self.visible(reader.user, reader.room, events).await?;
        let of_kind = |kind: &'static str| children.iter().filter(move |one| is_of(one, kind));
        let mut thread = None;
        if !is_of(parent, "m.thread")
            && let Some(latest) = of_kind("m.thread").max_by_key(|event| event.key)
        {
            let mut count = of_kind("m.thread").count() as u64;
            if more {
                let id = parent.event_id();
                count = self
                    .rooms
                    .count_related(reader.room, id, "m.thread")
                    .await?;
            }
            let participated = parent.pdu.sender() == reader.user
                || of_kind("m.thread").any(|event| event.pdu.sender() == reader.user);
            thread = Some(ThreadSummary {
                latest: latest.clone(),
                count,
                participated,
            });
        }
        let references = of_kind("m.reference")
            .take(MAX_REFERENCES)
            .map(|event| event.event_id().to_owned());
        Ok(Aggregation {
            replace: newest_edit(parent, of_kind("m.replace")).cloned(),
            references: references.collect(),
            thread,
        })
    }
}

/// Who reads, and where.
struct Reader<'a> {
    user: &'a UserId,
    ignored: &'a Ignored,
    room: &'a RoomId,
}

fn is_of(event: &RoomEvent, kind: &str) -> bool {
    event.relation.as_ref().is_some_and(|one| one.kind == kind)
}

/// State events have no children that count, nor have edits and annotations.
fn may_have_children(event: &RoomEvent) -> bool {
    event.pdu.state_key().is_none() && !is_of(event, "m.replace") && !is_of(event, "m.annotation")
}
