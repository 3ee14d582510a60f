//! A room's new events, as one user may see and wants to see them.

use std::{collections::BTreeSet, sync::Arc};

use gantry_accounts::Session;
use gantry_model::{Pdu, id::RoomId};
use gantry_rooms::{RoomChanges, RoomEvent};

use crate::{Aggregations, EventFilter, Feed, Result, RoomTimeline, SyncToken, sieve::Sieve};

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
        let ignored = self.core.ignored(&session.user_id).await?;
        let sieve = Sieve {
            row: None,
            user: &session.user_id,
            room,
            ignored: &ignored,
            filter: &filter,
        };
        self.timeline(&sieve, span, wanted).await
    }

    /// The newest events of a stretch that the sieve lets through.
    pub(crate) async fn timeline(
        &self,
        sieve: &Sieve<'_>,
        span: Span,
        wanted: StateWanted,
    ) -> Result<RoomTimeline> {
        let changes = self.window(sieve, span).await?;
        let events = self.core.sifted(sieve, changes.events).await?;
        let before = match wanted {
            StateWanted::Full => changes.start.full_state(),
            StateWanted::Delta => changes.before_timeline,
        };
        let untold = untold(&events, changes.now.changed_since(&changes.start));
        let state = overlaid(before, untold);
        // Whoever gets everything can see for himself what belongs together.
        let aggregations = if changes.limited {
            let Sieve { user, room, .. } = *sieve;
            let core = &self.core;
            core.aggregations(user, sieve.ignored, room, &events)
                .await?
        } else {
            Aggregations::default()
        };
        Ok(RoomTimeline {
            events,
            aggregations,
            limited: changes.limited,
            prev_batch: changes.prev_batch,
            before: changes.start,
            state,
            now: changes.now,
        })
    }

    /// The shortest stretch that ends at the span's end and holds as many passing events as are
    /// wanted, if looking at a bounded number is enough for that.
    async fn window(&self, sieve: &Sieve<'_>, span: Span) -> Result<RoomChanges> {
        let limit = sieve.filter.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let (rooms, room) = (&self.core.rooms, sieve.room);
        let changes = rooms
            .changes_between(room, span.after, span.upto, limit)
            .await?;
        if sieve.passes_all() || !changes.limited || limit == 0 {
            return Ok(changes);
        }
        let wide = rooms
            .changes_between(room, span.after, span.upto, MAX_LOOKED_AT)
            .await?;
        let length = wide.events.len();
        let passing = self.core.sifted(sieve, wide.events.clone()).await?;
        match length_that_holds(&wide.events, &passing, limit) {
            Some(shorter) if shorter < length => Ok(rooms
                .changes_between(room, span.after, span.upto, shorter)
                .await?),
            _ => Ok(wide),
        }
    }
}

type StateKeys = BTreeSet<(String, String)>;

fn key_of(pdu: &Pdu) -> Option<(String, String)> {
    Some((pdu.kind().to_owned(), pdu.state_key()?.to_owned()))
}

fn state_keys<'a>(pdus: impl Iterator<Item = &'a Pdu>) -> StateKeys {
    pdus.filter_map(key_of).collect()
}

/// Those of the changes in a window whose keys no event tells of that is shown of it: the user may
/// not see the event, did not want it, or there is none.
fn untold(shown: &[RoomEvent], mut changes: Vec<Arc<Pdu>>) -> Vec<Arc<Pdu>> {
    let told = state_keys(shown.iter().map(|event| &*event.pdu));
    changes.retain(|pdu| key_of(pdu).is_none_or(|key| !told.contains(&key)));
    changes
}

/// State events, some of them in place of others of the same key.
fn overlaid(mut state: Vec<Arc<Pdu>>, over: Vec<Arc<Pdu>>) -> Vec<Arc<Pdu>> {
    if !over.is_empty() {
        let replaced = state_keys(over.iter().map(|pdu| &**pdu));
        state.retain(|pdu| key_of(pdu).is_none_or(|key| !replaced.contains(&key)));
        state.extend(over);
    }
    state
}

/// How many of the last events hold `limit` that pass; `None`: not even all do.
fn length_that_holds(events: &[RoomEvent], passing: &[RoomEvent], limit: usize) -> Option<usize> {
    let first = passing.iter().rev().nth(limit.checked_sub(1)?)?;
    events
        .iter()
        .rev()
        .position(|event| event.pos == first.pos)
        .map(|index| index + 1)
}
