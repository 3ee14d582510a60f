//! Serving a destination from the log after it was away, or after we were.

use std::collections::HashMap;

use gantry_model::id::{OwnedRoomId, ServerName};
use gantry_rooms::{RoomEvent, Rooms};
use gantry_store::Cut;

use crate::{
    MAX_PDUS, Result,
    cursor::step,
    follow::{self, STEP},
    queue::Item,
    recipients::departed,
};

/// What a destination missed.
#[derive(Debug)]
pub(crate) struct Missed {
    /// Events for it, at most [`MAX_PDUS`].
    pub(crate) items: Vec<Item>,
    /// Everything for it up to here is in `items`.
    pub(crate) upto: Cut,
}

/// Reads on from `since` until a transaction is full or `processed` is reached.
pub(crate) async fn read(
    rooms: &Rooms,
    server: &ServerName,
    since: &Cut,
    processed: &Cut,
) -> Result<Missed> {
    let mut missed = Missed {
        items: Vec::new(),
        upto: since.clone(),
    };
    let mut joined = HashMap::new();
    while missed.items.len() < MAX_PDUS && &missed.upto != processed {
        let upto = step(&missed.upto, processed, STEP);
        if upto == missed.upto {
            break;
        }
        for entry in follow::entries(rooms, &missed.upto, &upto).await? {
            if !receives(rooms, server, &entry, &mut joined).await? {
                continue;
            }
            if missed.items.len() == MAX_PDUS {
                return Ok(missed);
            }
            missed.upto.advance(entry.position);
            missed.items.push(follow::item(&entry, entry.position));
        }
        missed.upto = upto;
    }
    Ok(missed)
}

/// Whether an entry was for this server. Where the server is in the room now, events from before
/// it joined are left out unless it may see them.
async fn receives(
    rooms: &Rooms,
    server: &ServerName,
    entry: &RoomEvent,
    joined: &mut HashMap<OwnedRoomId, bool>,
) -> Result<bool> {
    if !entry.flags.out || entry.pdu.sender().server_name() == server {
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
    let visible = rooms
        .server_visible(server, room, vec![entry.clone()])
        .await?;
    Ok(visible
        .first()
        .is_some_and(|seen| seen.pdu.object() == entry.pdu.object()))
}
