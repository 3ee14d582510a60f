//! The threads of a room.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads>.

use std::{collections::HashSet, sync::Arc};

use gantry_accounts::Session;
use gantry_model::id::{EventId, OwnedEventId, RoomId};
use gantry_rooms::{Direction, RoomEvent, TimelineKey};

use crate::{Aggregations, PageToken, Reading, Result, ignored::Ignored, receipts::thread_of};

/// Threads of a page if the client does not say.
const DEFAULT_LIMIT: usize = 20;
/// The most threads of a page.
const MAX_LIMIT: usize = 100;
/// How many events are looked at for one page.
const MAX_LOOKED_AT: usize = 10_000;
/// How many events are read at once.
const PAGE: usize = 200;

/// Which threads are wanted.
#[derive(Debug, Clone, Default)]
pub struct ThreadsQuery {
    /// Only those that the reader wrote in.
    pub participated: bool,
    /// The most threads.
    pub limit: Option<usize>,
    /// Where the page begins; `None`: at the newest.
    pub from: Option<PageToken>,
}

/// A page of threads.
#[derive(Debug, Clone, Default)]
pub struct Threads {
    /// The roots, that with the newest event first.
    pub roots: Vec<RoomEvent>,
    /// What is told along with them.
    pub aggregations: Aggregations,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_batch: Option<String>,
}

impl Reading {
    /// A page of the threads of a room. A thread stands where its newest event stands.
    pub async fn threads(
        &self,
        session: &Session,
        room: &RoomId,
        query: ThreadsQuery,
    ) -> Result<Threads> {
        let user = &session.user_id;
        let view = self.core.readable_view(user, room).await?;
        let ignored = self.core.ignored(user).await?;
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let mut at = match query.from {
            Some(token) => self.key_of(room, token).await?.min(view.end()),
            None => view.end(),
        };
        let (mut roots, mut tried, mut looked_at) = (Vec::new(), HashSet::new(), 0);
        loop {
            let rooms = &self.core.rooms;
            let page = rooms
                .timeline(room, Some(at), None, Direction::Backward, PAGE)
                .await?;
            looked_at += page.events.len();
            for event in &page.events {
                let Some(root) = self
                    .root_of(session, room, event, &ignored, &mut tried)
                    .await?
                else {
                    continue;
                };
                let summary = self
                    .core
                    .aggregations(user, &ignored, room, std::slice::from_ref(&root))
                    .await?;
                let thread = summary
                    .of(root.event_id())
                    .and_then(|one| one.thread.as_ref());
                // A thread that goes on after this event stood on an earlier page.
                if thread.is_none_or(|thread| thread.latest.event_id() != event.event_id())
                    || query.participated && thread.is_some_and(|thread| !thread.participated)
                {
                    continue;
                }
                roots.push(root);
                if roots.len() == limit {
                    return self
                        .threads_page(session, room, &ignored, roots, event.key)
                        .await;
                }
            }
            match page.next {
                Some(next) if looked_at < MAX_LOOKED_AT => at = next,
                next => {
                    return self
                        .threads_page(session, room, &ignored, roots, next)
                        .await;
                }
            }
        }
    }

    async fn threads_page(
        &self,
        session: &Session,
        room: &RoomId,
        ignored: &Ignored,
        roots: Vec<RoomEvent>,
        next: Option<TimelineKey>,
    ) -> Result<Threads> {
        let user = &session.user_id;
        Ok(Threads {
            aggregations: self.core.aggregations(user, ignored, room, &roots).await?,
            roots: roots.into_iter().map(|root| shown(root, ignored)).collect(),
            next_batch: next.map(|key| key.to_string()),
        })
    }

    /// The root of the thread that the event is in, if the user may see it and it was not tried.
    async fn root_of(
        &self,
        session: &Session,
        room: &RoomId,
        event: &RoomEvent,
        ignored: &Ignored,
        tried: &mut HashSet<OwnedEventId>,
    ) -> Result<Option<RoomEvent>> {
        let root = thread_of(event.relation.as_ref()).and_then(|id| EventId::parse(id).ok());
        let Some(root) = root.filter(|root| !tried.contains(root)) else {
            return Ok(None);
        };
        if ignored.hides(&event.pdu) || event.redacted_because.is_some() {
            return Ok(None);
        }
        let found = self.core.rooms.event(room, &root).await?;
        tried.insert(root);
        let events = found.into_iter().collect();
        Ok(self
            .core
            .visible(&session.user_id, room, events)
            .await?
            .pop())
    }
}

/// What an ignored user began is shown without its content.
fn shown(mut root: RoomEvent, ignored: &Ignored) -> RoomEvent {
    if ignored.hides(&root.pdu) {
        root.pdu = Arc::new(root.pdu.redacted());
    }
    root
}
