//! Rooms that were joined with members left out
//! (<https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid>,
//! `omit_members`). See `event-log`, section 8.
//!
//! From the join on the room's state is provisional: it lacks the memberships that the other server
//! left out. Once they are here, one control entry brings the whole state, and corrects the states
//! before and after the entries since the join.

mod complete;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use gantry_model::{
    Pdu,
    id::{OwnedServerName, RoomId, ServerName},
    pdu::event_hash,
};
use gantry_state_res::StateMap;
use gantry_store::{Blob, schema::ROOM};

pub(crate) use self::complete::complete;
use crate::{
    Error, Result, RoomView, Rooms,
    codec::{Class, EntryDoc, Group, HeadDoc, entry_key},
    memory::{Memory, Place},
};

/// What a control entry says of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Correction {
    /// The state before it.
    pub(crate) sb: Group,
    /// The state after it.
    pub(crate) sa: Group,
    /// Whether it is soft-failed.
    pub(crate) soft: bool,
}

/// Corrections by position. Clones share structure.
pub(crate) type Corrections = imbl::OrdMap<u64, Correction>;

/// What is known of a room while members are missing in its state.
#[derive(Debug, Clone)]
pub(crate) struct Partial {
    /// The position of the join since which they are missing.
    pub(crate) since: u64,
    /// The servers in the room, as another one told.
    pub(crate) servers: Arc<BTreeSet<OwnedServerName>>,
}

/// Bytes of one correction.
const CORRECTION: usize = 25;

pub(crate) fn pack_corrections(corrections: &Corrections) -> Blob {
    let pack = |(pos, one): (&u64, &Correction)| {
        let mut bytes = [0; CORRECTION];
        bytes[..8].copy_from_slice(&pos.to_be_bytes());
        bytes[8..16].copy_from_slice(&one.sb.to_be_bytes());
        bytes[16..24].copy_from_slice(&one.sa.to_be_bytes());
        bytes[24] = one.soft.into();
        bytes
    };
    Blob(corrections.iter().flat_map(pack).collect())
}

pub(crate) fn unpack_corrections(bytes: &[u8]) -> Corrections {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let unpack = |one: &[u8]| {
        let correction = Correction {
            sb: number(&one[8..16]) as i64,
            sa: number(&one[16..24]) as i64,
            soft: one[24] != 0,
        };
        (number(&one[..8]), correction)
    };
    bytes.chunks_exact(CORRECTION).map(unpack).collect()
}

/// The names of servers, as the entry of a join keeps them.
pub(crate) fn pack_servers(servers: &BTreeSet<OwnedServerName>) -> Blob {
    let names: Vec<&str> = servers.iter().map(|server| server.as_str()).collect();
    Blob(names.join("\n").into_bytes())
}

fn unpack_servers(bytes: &[u8]) -> BTreeSet<OwnedServerName> {
    let names = String::from_utf8_lossy(bytes);
    let parsed = names.lines().map(ServerName::parse);
    parsed.filter_map(std::result::Result::ok).collect()
}

impl EntryDoc {
    /// Whether it stands for no event.
    pub(crate) fn is_control(&self) -> bool {
        self.cls == Class::Control as i32
    }
}

/// The servers that the entry of a join with members left out names.
pub(crate) async fn load_partial(memory: &Memory, head: &HeadDoc) -> Result<Option<Partial>> {
    let Some(since) = head.pj else {
        return Ok(None);
    };
    let servers = unpack_servers(&override_of(memory, since).await?);
    Ok(Some(Partial {
        since: since as u64,
        servers: Arc::new(servers),
    }))
}

/// The corrections that hold at the end of a log.
pub(crate) async fn load_corrections(memory: &Memory, head: &HeadDoc) -> Result<Corrections> {
    match head.ov {
        Some(pos) => Ok(unpack_corrections(&override_of(memory, pos).await?)),
        None => Ok(Corrections::new()),
    }
}

async fn override_of(memory: &Memory, pos: i64) -> Result<Blob> {
    let key = entry_key(memory.rid, pos as u64);
    let entry: Option<EntryDoc> = memory.store.get(ROOM, &key).await?;
    let entry = entry.ok_or(Error::Broken("the log is not dense"))?;
    Ok(entry.ov.unwrap_or_default())
}

/// The place of an entry with what was said of it later.
pub(crate) fn corrected(corrections: &Corrections, pos: u64, place: Place) -> Place {
    match corrections.get(&pos) {
        Some(correction) => Place {
            sa: Some(correction.sa),
            soft: correction.soft,
        },
        None => place,
    }
}

/// A provisional state with the memberships that authorize an event: the rules can be asked about it
/// although the other server left them out.
pub(crate) fn with_members_of(memory: &Memory, state: &StateMap, pdu: &Pdu) -> StateMap {
    let mut state = state.clone();
    for id in pdu.auth_events() {
        let rn = memory.dag.find(&event_hash(id, memory.rules()));
        let Some(event) = rn.and_then(|rn| memory.dag.get(rn)) else {
            continue;
        };
        if event.pdu.kind() == "m.room.member"
            && !event.rejected
            && !state.contains_key(&event.skid)
        {
            state.insert(event.skid, event.rn);
        }
    }
    state
}

impl Rooms {
    /// Our join since which members are missing in a room's state; `None`: it is whole.
    pub async fn provisional_join(&self, room: &RoomId) -> Result<Option<Arc<Pdu>>> {
        let view = self.get(room).await?;
        let Some(partial) = view.partial() else {
            return Ok(None);
        };
        let entry = self.entry(view.rid(), partial.since).await?;
        let entry = entry.ok_or(Error::Broken("the log is not dense"))?;
        Ok(entry.rn.and_then(|rn| view.pdu_by_number(rn as u32)))
    }

    /// A room once its state is whole; waits for it, but not longer than `patience`.
    pub async fn whole(&self, view: RoomView, patience: Duration) -> Result<RoomView> {
        if !view.is_partial() {
            return Ok(view);
        }
        let mut cuts = self.subscribe();
        let complete = async {
            loop {
                cuts.borrow_and_update();
                let view = self.get(view.room_id()).await?;
                if !view.is_partial() {
                    return Ok(view);
                }
                cuts.changed().await.map_err(|_| Error::Closed)?;
            }
        };
        let waited = tokio::time::timeout(patience, complete);
        match self.stop().run_until_cancelled(waited).await {
            Some(waited) => waited.unwrap_or(Err(Error::Partial)),
            None => Err(Error::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn corrections_come_back(corrections: Vec<(u64, i64, i64, bool)>) {
            let corrections: Corrections = corrections
                .into_iter()
                .map(|(pos, sb, sa, soft)| (pos, Correction { sb, sa, soft }))
                .collect();

            prop_assert_eq!(unpack_corrections(&pack_corrections(&corrections)), corrections);
        }

        #[test]
        fn any_bytes_are_names_of_servers(bytes: Vec<u8>) {
            let servers = unpack_servers(&bytes);

            prop_assert_eq!(unpack_servers(&pack_servers(&servers)), servers);
        }
    }
}
