//! What must hold in every state.

use crate::config::Config;
use crate::cut::Cut;
use crate::document::{Doc, Entry, Position, ROOM_LOG};
use crate::log::entries_of;
use crate::state::{Breach, State};

/// The first thing that does not hold, in words.
pub(crate) fn check(state: &State, config: &Config) -> Result<(), String> {
    check_breach(state.breach)?;
    for room in 0..config.rooms {
        check_chain(state, room)?;
    }
    for tx in 1..=config.txs {
        check_once(state, tx)?;
    }
    check_acks(state)?;
    check_cuts(state, config)?;
    check_deliveries(state)
}

fn check_breach(breach: Breach) -> Result<(), String> {
    let what = match breach {
        Breach::Nothing => return Ok(()),
        Breach::Behind => {
            "an entry was inserted BEHIND a cut that some node or token already has: it is never \
             delivered"
        }
        Breach::Twice => "a client received an entry twice",
    };
    Err(what.to_owned())
}

/// The log of a room is dense, in the order of commits, and chained.
fn check_chain(state: &State, room: u8) -> Result<(), String> {
    let mut last = Position::NONE;
    for (place, entry) in (1..).zip(entries_of(&state.log, room)) {
        if entry.n != place {
            return Err(format!(
                "I2/I7 room {room}: position {} stands at place {place} of the commit order",
                entry.n
            ));
        }
        if entry.pw != last {
            return Err(format!(
                "I7 room {room}: pw of position {} is {:?}, predecessor is {last:?}",
                entry.n, entry.pw
            ));
        }
        last = entry.position;
    }
    Ok(())
}

fn check_once(state: &State, tx: u8) -> Result<(), String> {
    let bears = |entry: &&Entry| entry.collection == ROOM_LOG && entry.tx == tx;
    let entries = state.log.iter().filter_map(Doc::entry);
    if entries.filter(bears).count() > 1 {
        return Err(format!(
            "exactly-once: transaction {tx} stands twice in the log"
        ));
    }
    Ok(())
}

/// Nothing acknowledged is lost.
fn check_acks(state: &State) -> Result<(), String> {
    for ack in &state.acked {
        let is_it = |entry: &Entry| (entry.tx, entry.room, entry.n) == (ack.tx, ack.room, ack.n);
        if !state.committed().iter().filter_map(Doc::entry).any(is_it) {
            return Err(format!(
                "I6: acknowledged transaction {} (room {} pos {}) is not in the log",
                ack.tx, ack.room, ack.n
            ));
        }
    }
    Ok(())
}

/// Every cut and every token is a prefix of every room.
fn check_cuts(state: &State, config: &Config) -> Result<(), String> {
    let alive = state.nodes.iter().filter(|node| node.is_alive);
    let cuts: Vec<Cut> = alive
        .map(|node| Cut::of(state, &config.rules, node))
        .collect();
    for cut in cuts.iter().chain(&state.tokens) {
        for room in 0..config.rooms {
            let mut entries =
                entries_of(&state.log, room).skip_while(|entry| cut.covers(entry.position));
            if let Some(entry) = entries.find(|entry| cut.covers(entry.position)) {
                return Err(format!(
                    "I10: cut {cut:?} covers room {room} pos {} but not its predecessors",
                    entry.n
                ));
            }
        }
    }
    Ok(())
}

/// Every client was given what its token covers.
fn check_deliveries(state: &State) -> Result<(), String> {
    for (i, (token, received)) in state.tokens.iter().zip(&state.received).enumerate() {
        let is_lost =
            |entry: &&Entry| token.covers(entry.position) && !received.contains(&entry.draft);
        let mut entries = state.committed().iter().filter_map(Doc::entry);
        if let Some(entry) = entries.find(is_lost) {
            return Err(format!(
                "client {i} holds token {token:?}, entry {entry:?} landed behind it and is never \
                 delivered"
            ));
        }
    }
    Ok(())
}
