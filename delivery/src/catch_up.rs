//! Serving a destination from the log after it was away, or after we were.

use std::collections::HashMap;

use gantry_model::id::{OwnedRoomId, RoomId, ServerName};
use gantry_rooms::{RoomEvent, Rooms};
use gantry_store::{Cut, Position};

use crate::{
    MAX_PDUS, Result,
    backlog::{Backlog, Step},
    follow::{self, STEP},
    queue::Item,
    recipients::{departed, is_ours},
};

/// Extremities of one room that are sent.
const MAX_EXTREMITIES: usize = 20;

/// What a destination missed.
#[derive(Debug)]
pub(crate) struct Missed {
    /// Events for it, at most [`MAX_PDUS`].
    pub(crate) items: Vec<Item>,
    /// Everything for it up to here is in `items`, or follows from them.
    pub(crate) upto: Cut,
    /// How it goes on once they have arrived.
    pub(crate) backlog: Backlog,
}

/// How the log is read for one destination.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) rooms: &'a Rooms,
    pub(crate) server: &'a ServerName,
    /// The time.
    pub(crate) now_ms: i64,
    /// Events that are wanted; at most [`MAX_PDUS`].
    pub(crate) limit: usize,
}

impl Reading<'_> {
    /// Reads on from `since` until there are enough events or `processed` is reached.
    pub(crate) async fn on_from(
        &self,
        since: &Cut,
        processed: &Cut,
        backlog: Backlog,
    ) -> Result<Missed> {
        let Self { rooms, server, .. } = *self;
        let mut missed = Missed {
            items: Vec::new(),
            upto: since.clone(),
            backlog,
        };
        let mut joined = HashMap::new();
        while missed.items.len() < self.limit && &missed.upto != processed {
            let upto = missed.upto.step(processed, STEP);
            if upto == missed.upto {
                break;
            }
            for entry in follow::entries(rooms, &missed.upto, &upto).await? {
                if !receives(rooms, server, &entry, &mut joined).await? {
                    continue;
                }
                let room = entry.pdu.room_id();
                let age_ms = self.now_ms.saturating_sub(entry.pdu.origin_server_ts());
                match missed.backlog.step(room, entry.position, age_ms) {
                    Step::Skip => {}
                    Step::Send if missed.items.len() < self.limit => {
                        missed.backlog.sent(room);
                        missed.items.push(follow::item(&entry, entry.position));
                    }
                    Step::Tell if missed.items.len() + MAX_EXTREMITIES <= MAX_PDUS => {
                        let ends = extremities(rooms, server, room, entry.position).await?;
                        missed.backlog.told(room, processed);
                        missed.items.extend(ends);
                    }
                    Step::Send | Step::Tell => return Ok(missed),
                }
                missed.upto.advance(entry.position);
            }
            missed.upto = upto;
        }
        Ok(missed)
    }
}

/// Where a room ends now, as far as the server may see it and did not say it itself.
async fn extremities(
    rooms: &Rooms,
    server: &ServerName,
    room: &RoomId,
    position: Position,
) -> Result<Vec<Item>> {
    let Some(view) = rooms.view(room).await? else {
        return Ok(Vec::new());
    };
    let mut ends = Vec::new();
    for id in view.extremities().iter().take(MAX_EXTREMITIES) {
        let Some(event) = rooms.event(room, id).await? else {
            continue;
        };
        if event.pdu.sender().server_name() != server && sees(rooms, server, &event).await? {
            ends.push(follow::item(&event, position));
        }
    }
    Ok(ends)
}

/// Whether a server may see an event whole.
async fn sees(rooms: &Rooms, server: &ServerName, event: &RoomEvent) -> Result<bool> {
    let room = event.pdu.room_id();
    let shown = rooms.server_visible(server, room, vec![event.clone()]);
    let shown = shown.await?;
    Ok(shown
        .first()
        .is_some_and(|seen| seen.pdu.object() == event.pdu.object()))
}

/// Whether an entry was for this server. Where the server is in the room now, events from before
/// it joined are left out unless it may see them.
async fn receives(
    rooms: &Rooms,
    server: &ServerName,
    entry: &RoomEvent,
    joined: &mut HashMap<OwnedRoomId, bool>,
) -> Result<bool> {
    let is_senders = entry.pdu.sender().server_name() == server && !is_ours(entry);
    if !entry.flags.out || is_senders {
        return Ok(false);
    }
    if departed(entry).is_some_and(|departed| departed == server) {
        return Ok(true);
    }
    let room = entry.pdu.room_id();
    let is_joined = match joined.get(room) {
        Some(is_joined) => *is_joined,
        None => {
            let view = rooms.view(room).await?;
            let is_joined = view.is_some_and(|view| view.servers().contains(server));
            joined.insert(room.to_owned(), is_joined);
            is_joined
        }
    };
    if !is_joined || entry.pdu.state_key().is_some() {
        return Ok(is_joined);
    }
    sees(rooms, server, entry).await
}
