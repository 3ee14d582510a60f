//! A room's new events, as one user may see and wants to see them.

use gantry_accounts::Session;
use gantry_model::id::{RoomId, UserId};
use gantry_rooms::{RoomChanges, RoomEvent};

use crate::{EventFilter, Feed, Result, RoomTimeline, SyncToken};

/// Events per room if the client does not say.
const DEFAULT_LIMIT: usize = 10;
/// The most events per room.
const MAX_LIMIT: usize = 100;
/// How many events are looked at to find those that pass a filter.
const MAX_LOOKED_AT: usize = 400;

/// How much state goes with a timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateWanted {
    /// What changed since the point.
    Delta,
    /// All of it.
    Full,
}

/// A stretch of a room's log: the entries after one position and up to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) after: u64,
    pub(crate) upto: u64,
}

impl Feed {
    /// The newest events of a room between two points that the user may see, at most `limit`.
    /// `since`: `None` is the beginning.
    pub async fn room_changes(
        &self,
        session: &Session,
        room: &RoomId,
        since: Option<&SyncToken>,
        upto: &SyncToken,
        limit: usize,
    ) -> Result<RoomTimeline> {
        let filter = EventFilter {
            limit: Some(limit),
            ..EventFilter::default()
        };
        let since = since.filter(|since| since.cut.generation() == upto.cut.generation());
        let (after, wanted) = match since {
            Some(since) => (
                self.core.rooms.log_end(room, &since.cut).await?,
                StateWanted::Delta,
            ),
            None => (0, StateWanted::Full),
        };
        let span = Span {
            after,
            upto: self.core.rooms.log_end(room, &upto.cut).await?,
        };
        self.timeline(&session.user_id, room, span, &filter, wanted)
            .await
    }

    /// The newest events of a stretch that the user may see and the filter lets pass.
    pub(crate) async fn timeline(
        &self,
        user: &UserId,
        room: &RoomId,
        span: Span,
        filter: &EventFilter,
        wanted: StateWanted,
    ) -> Result<RoomTimeline> {
        let changes = self.window(user, room, span, filter).await?;
        let events = self.core.rooms.visible(user, room, changes.events).await?;
        let state = match wanted {
            StateWanted::Full => changes.start.full_state(),
            StateWanted::Delta => changes
                .before_timeline
                .into_iter()
                .filter_map(|change| change.event)
                .collect(),
        };
        Ok(RoomTimeline {
            events: events
                .into_iter()
                .filter(|event| filter.matches_pdu(&event.pdu))
                .collect(),
            limited: changes.limited,
            prev_batch: changes.prev_batch,
            before: changes.start,
            state,
            now: changes.now,
        })
    }

    /// The shortest stretch that ends at the span's end and holds as many passing events as are
    /// wanted, if looking at a bounded number is enough for that.
    async fn window(
        &self,
        user: &UserId,
        room: &RoomId,
        span: Span,
        filter: &EventFilter,
    ) -> Result<RoomChanges> {
        let limit = filter.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let rooms = &self.core.rooms;
        let changes = rooms
            .changes_between(room, span.after, span.upto, limit)
            .await?;
        if filter.passes_all() || !changes.limited || limit == 0 {
            return Ok(changes);
        }
        let wide = rooms
            .changes_between(room, span.after, span.upto, MAX_LOOKED_AT)
            .await?;
        let length = wide.events.len();
        let seen = rooms.visible(user, room, wide.events.clone()).await?;
        match length_that_holds(&wide.events, &seen, filter, limit) {
            Some(shorter) if shorter < length => Ok(rooms
                .changes_between(room, span.after, span.upto, shorter)
                .await?),
            _ => Ok(wide),
        }
    }
}

/// How many of the last events hold `limit` that are seen and pass; `None`: not even all do.
fn length_that_holds(
    events: &[RoomEvent],
    seen: &[RoomEvent],
    filter: &EventFilter,
    limit: usize,
) -> Option<usize> {
    let first = seen
        .iter()
        .rev()
        .filter(|event| filter.matches_pdu(&event.pdu))
        .nth(limit.checked_sub(1)?)?;
    events
        .iter()
        .rev()
        .position(|event| event.pos == first.pos)
        .map(|index| index + 1)
}
