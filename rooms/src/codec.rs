//! The documents of a room as they are stored: see `event-log`, section 2.

use gantry_model::{Object, Pdu, RoomVersion, canonical_json::parse_object, id::OwnedRoomId};
use gantry_state_res::{Rn, Skid};
use gantry_store::{Blob, Key, Position, room_key};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A state group: `pos * 65536 + i`, found by its number.
pub(crate) type Group = i64;

/// The reference hash of an event, or what stands for it in versions 1 and 2.
pub(crate) type Hash = [u8; 32];

/// Body of a state event.
pub(crate) const KIND_STATE: u8 = b'S';
/// Name of a state key.
pub(crate) const KIND_KEY: u8 = b'K';
/// Body of an outlier or rejected message.
pub(crate) const KIND_OUTLIER: u8 = b'O';
/// Page of a large delta or checkpoint.
pub(crate) const KIND_PAGE: u8 = b'G';
/// A state event that was redacted, by its number.
pub(crate) const KIND_REDACTED: u8 = b'R';
/// Log entry.
pub(crate) const KIND_LOG: u8 = b'L';

/// The largest delta that is kept in its entry, in bytes.
pub(crate) const MAX_INLINE: usize = 32 * 1024;
/// The largest page, in bytes.
pub(crate) const MAX_PAGE: usize = 256 * 1024;

/// The name of a room, its number and its version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoomDoc {
    pub(crate) rid: i64,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) version: String,
}

impl RoomDoc {
    pub(crate) fn version(&self) -> Result<RoomVersion> {
        self.version
            .parse()
            .map_err(|_| Error::Broken("unknown room version"))
    }
}

/// `K`: a state key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyDoc {
    pub(crate) rid: i64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) state_key: String,
    pub(crate) kh: Blob,
}

/// `R`: that it is there says that the state event was redacted.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RedactedDoc {
    pub(crate) rid: i64,
    /// The entry of the redaction.
    pub(crate) pos: i64,
}

/// `S`: the body of a state event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StateDoc {
    pub(crate) rid: i64,
    pub(crate) be: Blob,
    pub(crate) skid: i64,
    pub(crate) by: i64,
    pub(crate) auth: Blob,
    pub(crate) ts: i64,
    pub(crate) body: Blob,
    /// The state event in whose place it came, if it came with its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rej: Option<String>,
}

/// `O`: the body of an outlier or of a rejected message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutlierDoc {
    pub(crate) rid: i64,
    pub(crate) be: Blob,
    pub(crate) body: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rej: Option<String>,
}

/// `G`: a page.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PageDoc {
    pub(crate) rid: i64,
    pub(crate) body: Blob,
}

/// A state group that an entry created.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GroupDoc {
    pub(crate) g: Group,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) up: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) up8: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delta: Option<Blob>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) pages: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) full: Vec<i64>,
}

/// Forward extremity: position and state after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExtremityDoc {
    pub(crate) pos: i64,
    pub(crate) sa: Group,
}

/// Counters of a room, absolute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Joined members.
    pub joined: i64,
    /// Invited members.
    pub invited: i64,
    /// Visible live events outside of threads that the default push rules notify of.
    pub main: i64,
    /// The same inside of threads.
    pub thread: i64,
    /// Those that highlight everyone.
    pub all: i64,
    /// Redactions.
    pub red: i64,
}

/// The head that an entry leaves behind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HeadDoc {
    pub(crate) prev8: Blob,
    pub(crate) fx: Vec<ExtremityDoc>,
    pub(crate) cs: Group,
    pub(crate) depth: i64,
    pub(crate) u: i64,
    pub(crate) n: Counts,
    /// The entry that holds corrections of earlier ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ov: Option<i64>,
    /// The join since which the state lacks members that were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pj: Option<i64>,
}

/// The target of a relation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RelationDoc {
    pub(crate) hash: Blob,
    pub(crate) kind: String,
}

/// The request that an entry came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TxnDoc {
    pub(crate) h: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
}

/// `L`: a log entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EntryDoc {
    pub(crate) rid: i64,
    pub(crate) le: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tk: Option<Blob>,
    pub(crate) cls: i32,
    pub(crate) flags: i32,
    /// Live entries that stand behind a gap, so that they can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gap: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) out: Option<bool>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state_key: Option<String>,
    pub(crate) by: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rn: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Blob>,
    pub(crate) auth: Blob,
    pub(crate) prev: Blob,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sb: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sa: Option<Group>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ng: Vec<GroupDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cd: Option<Blob>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) cd_pages: Vec<i64>,
    /// Of a control entry, corrections; of a join with members left out, the servers in the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ov: Option<Blob>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rel: Option<RelationDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tx: Option<TxnDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rc: Option<String>,
    pub(crate) ts: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) w: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) s: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pw: Option<Position>,
    pub(crate) h: HeadDoc,
}

/// How an entry came into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Made here, brought by a transaction, or fetched as missing.
    Live = 0,
    /// Brought by backfill.
    History = 1,
    /// No event: it changes what is known of the room.
    Control = 2,
}

impl EntryDoc {
    pub(crate) fn position(&self) -> Result<Position> {
        match (self.w, self.s) {
            (Some(w), Some(s)) => Ok(Position {
                w: w as u16,
                s: s as u64,
            }),
            _ => Err(Error::Broken("an entry without position")),
        }
    }

    pub(crate) fn hash(&self) -> Result<Hash> {
        hash_of(&self.le)
    }

    pub(crate) fn prev_hashes(&self) -> impl Iterator<Item = Hash> + '_ {
        self.prev.0.chunks_exact(32).map(|chunk| {
            let mut hash = [0; 32];
            hash.copy_from_slice(chunk);
            hash
        })
    }
}

/// 32 bytes of a stored hash.
pub(crate) fn hash_of(blob: &Blob) -> Result<Hash> {
    blob.0
        .as_slice()
        .try_into()
        .map_err(|_| Error::Broken("a hash of another length"))
}

/// The key of a document of a room.
pub(crate) fn key(rid: u64, kind: u8, n: u64) -> Key {
    room_key(rid, kind, n)
}

/// The key of an entry of a room's log.
pub(crate) fn entry_key(rid: u64, pos: u64) -> Key {
    key(rid, KIND_LOG, pos)
}

/// The room's number and the position, if the key is that of an entry of a log.
pub(crate) fn log_place(key: &[u8]) -> Option<(u64, u64)> {
    (key.get(8) == Some(&KIND_LOG)).then_some(())?;
    let rid = u64::from_be_bytes(key[..8].try_into().ok()?);
    Some((rid, number(key).ok()?))
}

/// The number at the end of a room document's key.
pub(crate) fn number(key: &[u8]) -> Result<u64> {
    key.get(9..17)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u64::from_be_bytes)
        .ok_or(Error::Broken("a key of another length"))
}

/// Packs numbers, four bytes each.
pub(crate) fn pack(numbers: impl IntoIterator<Item = u32>) -> Blob {
    Blob(numbers.into_iter().flat_map(u32::to_be_bytes).collect())
}

/// Unpacks numbers of four bytes.
pub(crate) fn unpack(blob: &[u8]) -> impl Iterator<Item = u32> + '_ {
    blob.chunks_exact(4)
        .map(|chunk| u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]))
}

/// What stands for "no event" in packed changes.
const NOTHING: u32 = u32::MAX;

/// A change of a state: the key, the event before and after.
pub(crate) type Change = (Skid, Option<Rn>, Option<Rn>);

/// Packs changes: `skid, old, new`.
pub(crate) fn pack_changes(changes: &[Change]) -> Vec<u8> {
    let numbers = changes
        .iter()
        .flat_map(|(skid, old, new)| [*skid, old.unwrap_or(NOTHING), new.unwrap_or(NOTHING)]);
    pack(numbers).0
}

/// Unpacks changes.
pub(crate) fn unpack_changes(bytes: &[u8]) -> Vec<Change> {
    let some = |number: u32| (number != NOTHING).then_some(number);
    bytes
        .chunks_exact(12)
        .map(|chunk| {
            let mut numbers = unpack(chunk);
            let mut next = || numbers.next().unwrap_or(NOTHING);
            (next(), some(next()), some(next()))
        })
        .collect()
}

/// The event of a stored body.
pub(crate) fn restore(body: &[u8], version: RoomVersion, hash: &Hash) -> Result<Pdu> {
    let object: Object = parse_object(body).map_err(|_| Error::Broken("a body is not JSON"))?;
    Pdu::restore(object, version, hash).map_err(|_| Error::Broken("a body is not an event"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn changes_come_back(changes: Vec<(u32, Option<u16>, Option<u16>)>) {
            let changes: Vec<Change> = changes
                .into_iter()
                .map(|(skid, old, new)| (skid, old.map(u32::from), new.map(u32::from)))
                .collect();

            prop_assert_eq!(unpack_changes(&pack_changes(&changes)), changes);
        }
    }
}
