//! Pages of a room's timeline.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages>.

use std::time::Duration;

use gantry_accounts::Session;
use gantry_model::id::{EventId, OwnedEventId, RoomId};
use gantry_rooms::{Direction, RoomEvent, RoomView, StateEvent, TimelineKey};
use tracing::debug;

use crate::{EventFilter, PageToken, Reading, Result, lazy_members, sieve::Sieve};

/// The most events of a page.
const MAX_LIMIT: usize = 1_000;
/// How many events are looked at for one page; then it ends, also if it holds fewer than asked.
const MAX_LOOKED_AT: usize = 2_000;
/// How many gaps one page tries to fill.
const MAX_GAPS: usize = 2;
/// How many events are asked for to fill a gap.
const BACKFILL: usize = 100;
/// How long filling a gap may take.
const BACKFILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Which page is wanted.
#[derive(Debug, Clone)]
pub struct MessagesQuery {
    /// Where it begins; `None`: at the newest event backwards, at the oldest forwards.
    pub from: Option<PageToken>,
    /// Where it ends at the latest.
    pub to: Option<PageToken>,
    /// Which way.
    pub direction: Direction,
    /// The most events.
    pub limit: usize,
    /// Which events.
    pub filter: EventFilter,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Messages {
    /// Where it began.
    pub start: PageToken,
    /// Where the next one begins; `None`: there is nothing more.
    pub end: Option<PageToken>,
    /// The events in the direction of the page.
    pub chunk: Vec<RoomEvent>,
    /// With lazy loading, the memberships of the senders.
    pub state: Vec<StateEvent>,
}

/// What stands around an event.
#[derive(Debug, Clone)]
pub struct Context {
    /// The point before all of it.
    pub start: PageToken,
    /// The point after all of it.
    pub end: PageToken,
    /// The event.
    pub event: RoomEvent,
    /// The events before it, the nearest first.
    pub events_before: Vec<RoomEvent>,
    /// The events after it, the nearest first.
    pub events_after: Vec<RoomEvent>,
    /// The state at the last of the events; with lazy loading only the senders' memberships.
    pub state: Vec<StateEvent>,
}

/// The events around an event.
#[derive(Debug)]
pub(crate) struct Around {
    /// The point before all of it.
    pub(crate) start: PageToken,
    /// The point after all of it.
    pub(crate) end: PageToken,
    /// Those before it, the nearest first.
    pub(crate) before: Vec<RoomEvent>,
    /// Those after it, the nearest first.
    pub(crate) after: Vec<RoomEvent>,
}

/// A walk along a timeline.
struct Walk<'a> {
    sieve: Sieve<'a>,
    from: TimelineKey,
    to: Option<TimelineKey>,
    direction: Direction,
    limit: usize,
    /// Whether other servers are asked for what is missing.
    fills_gaps: bool,
}

impl Reading {
    /// A page of the events that the user may see. Backwards, gaps are filled from other servers,
    /// within bounds of number and time.
    pub async fn messages(
        &self,
        session: &Session,
        room: &RoomId,
        query: MessagesQuery,
    ) -> Result<Messages> {
        let view = self.core.readable_view(&session.user_id, room).await?;
        let from = match (query.from, query.direction) {
            (Some(token), _) => self.key_of(room, token).await?,
            (None, Direction::Backward) => view.end(),
            (None, Direction::Forward) => TimelineKey::START,
        };
        let to = match query.to {
            Some(token) => Some(self.key_of(room, token).await?),
            None => None,
        };
        let ignored = self.core.ignored(&session.user_id).await?;
        let walk = Walk {
            sieve: Sieve {
                row: None,
                user: &session.user_id,
                room,
                ignored: &ignored,
                filter: &query.filter,
            },
            from,
            to,
            direction: query.direction,
            limit: query.limit.clamp(1, MAX_LIMIT),
            fills_gaps: view.is_joined_locally(),
        };
        let (chunk, end) = self.walk(walk).await?;
        Ok(Messages {
            start: PageToken::Timeline(from),
            end: end.map(PageToken::Timeline),
            state: loaded(&view, &query.filter, &chunk),
            chunk,
        })
    }

    /// An event with at most `limit` others around it.
    pub async fn context(
        &self,
        session: &Session,
        room: &RoomId,
        event: &EventId,
        limit: usize,
        filter: &EventFilter,
    ) -> Result<Context> {
        let view = self.core.readable_view(&session.user_id, room).await?;
        let event = self
            .core
            .visible_event(&session.user_id, room, event)
            .await?;
        let limit = limit.min(MAX_LIMIT);
        let ignored = self.core.ignored(&session.user_id).await?;
        let sieve = Sieve {
            row: None,
            user: &session.user_id,
            room,
            ignored: &ignored,
            filter,
        };
        let around = self
            .around(sieve, &event, limit / 2, limit - limit / 2)
            .await?;
        let last = around.after.last().unwrap_or(&event);
        let state = if filter.lazy_load_members {
            let all = around.before.iter().chain(&around.after).chain([&event]);
            lazy_members(&view, all.map(|event| event.pdu.sender()))
        } else {
            let state = self.core.rooms.state_after(room, last.event_id()).await?;
            state.unwrap_or_else(|| view.full_state())
        };
        let state = view.state_events(state);
        Ok(Context {
            start: around.start,
            end: around.end,
            event,
            events_before: around.before,
            events_after: around.after,
            state,
        })
    }

    /// At most so many events on each side of an event.
    pub(crate) async fn around(
        &self,
        sieve: Sieve<'_>,
        event: &RoomEvent,
        before: usize,
        after: usize,
    ) -> Result<Around> {
        let key = event.key.unwrap_or(TimelineKey::END);
        let walk = |from, direction, limit| Walk {
            sieve,
            from,
            to: None,
            direction,
            limit,
            fills_gaps: false,
        };
        let (before, start) = self.walk(walk(key, Direction::Backward, before)).await?;
        let (after, end) = self
            .walk(walk(key.next(), Direction::Forward, after))
            .await?;
        let last = after.last().unwrap_or(event);
        let after_last = last.key.map_or(key, TimelineKey::next);
        let before_first = before.last().and_then(|first| first.key).unwrap_or(key);
        Ok(Around {
            start: PageToken::Timeline(start.unwrap_or(before_first)),
            end: PageToken::Timeline(end.unwrap_or(after_last)),
            before,
            after,
        })
    }

    /// Goes along the timeline until it has what is wanted; the events, and where to go on.
    async fn walk(&self, walk: Walk<'_>) -> Result<(Vec<RoomEvent>, Option<TimelineKey>)> {
        let room = walk.sieve.room;
        let mut chunk = Vec::new();
        if walk.limit == 0 {
            return Ok((chunk, Some(walk.from)));
        }
        let (mut at, mut looked_at, mut gaps) = (walk.from, 0, 0);
        if walk.fills_gaps && walk.direction == Direction::Backward {
            // A page that ended at a gap named the point behind it; nothing on the next page would.
            let missing = self.missing_before(room, at).await?;
            if !missing.is_empty() {
                gaps += 1;
                self.fill(room, &missing).await;
            }
        }
        while looked_at < MAX_LOOKED_AT {
            let limit = walk.limit.max(10);
            let rooms = &self.core.rooms;
            let page = rooms
                .timeline(room, Some(at), walk.to, walk.direction, limit)
                .await?;
            looked_at += page.events.len().max(1);
            for event in self.core.sifted(&walk.sieve, page.events).await? {
                let next = event.key.map(|key| behind(key, walk.direction));
                chunk.push(event);
                if chunk.len() == walk.limit {
                    return Ok((chunk, next));
                }
            }
            if !page.missing.is_empty() && walk.fills_gaps && gaps < MAX_GAPS {
                gaps += 1;
                self.fill(room, &page.missing).await;
            }
            match page.next {
                Some(next) if next != at => at = next,
                _ => return Ok((chunk, None)),
            }
        }
        Ok((chunk, Some(at)))
    }

    /// The events that are missing directly before a point: previous ones of the entry behind it.
    async fn missing_before(&self, room: &RoomId, at: TimelineKey) -> Result<Vec<OwnedEventId>> {
        let rooms = &self.core.rooms;
        let page = rooms
            .timeline(room, Some(at), None, Direction::Forward, 1)
            .await?;
        let mut missing = Vec::new();
        for event in page.events.iter().filter(|event| event.flags.gap) {
            for previous in event.pdu.prev_events() {
                if rooms.event(room, previous).await?.is_none() {
                    missing.push(previous.clone());
                }
            }
        }
        Ok(missing)
    }

    /// Asks other servers for what stands before a gap. That it fails is no reason not to show what
    /// is beyond it.
    async fn fill(&self, room: &RoomId, missing: &[OwnedEventId]) {
        let call = self.core.federation.backfill(room, missing, BACKFILL);
        match tokio::time::timeout(BACKFILL_TIMEOUT, call).await {
            Ok(Ok(count)) => debug!(room.id = %room, count, "a gap was filled"),
            Ok(Err(error)) => debug!(room.id = %room, %error, "a gap could not be filled"),
            Err(_) => debug!(room.id = %room, "a gap could not be filled in time"),
        }
    }

    /// The place of a token in the room's timeline.
    pub(crate) async fn key_of(&self, room: &RoomId, token: PageToken) -> Result<TimelineKey> {
        match token {
            PageToken::Timeline(key) => Ok(key),
            PageToken::Sync(token) => Ok(self.core.rooms.state_at(room, &token.cut).await?.end()),
        }
    }
}

/// Where a page goes on behind an event: the key itself is the point before it.
fn behind(key: TimelineKey, direction: Direction) -> TimelineKey {
    match direction {
        Direction::Backward => key,
        Direction::Forward => key.next(),
    }
}

fn loaded(view: &RoomView, filter: &EventFilter, chunk: &[RoomEvent]) -> Vec<StateEvent> {
    if filter.lazy_load_members {
        let senders = chunk.iter().map(|event| event.pdu.sender());
        view.state_events(lazy_members(view, senders))
    } else {
        Vec::new()
    }
}
