//! A room as lines of JSON, for people and other programs.

use std::{collections::HashSet, sync::Arc};

use gantry_model::{
    Object, Pdu, RoomVersion, Value, canonical_json::object_to_bytes, id::RoomId,
    pdu::event_id_of_hash,
};
use gantry_store::{Store, hash16, schema::ROOM_NAME};

use super::{Upkeep, project::ENTRIES_AT_ONCE};
use crate::{
    Error, Result,
    codec::{Class, EntryDoc, Hash, KIND_LOG, RoomDoc, number},
    load::load_dag,
    memory::Dag,
    pages::Pages,
};

/// The lines of a room: first the state events that are in no log, then the log in its order. Each
/// is `{"event_id", "kind": "outlier" | "rejected" | "live" | "history", "pos"?, "pdu"}`; the `pdu`
/// of a purged event is `null`.
pub struct Export<'a> {
    version: RoomVersion,
    dag: Dag,
    log: Pages<'a, EntryDoc>,
    /// State events that no log entry has been found for; `None`: they were given out.
    outside: Option<Vec<u32>>,
}

impl Upkeep {
    /// A room's lines, or [`Error::UnknownRoom`].
    pub async fn export(&self, room: &RoomId) -> Result<Export<'_>> {
        let key = hash16(&[room.as_bytes()]);
        let found: Option<RoomDoc> = self.store.get(ROOM_NAME, &key).await?;
        let room = found.ok_or(Error::UnknownRoom)?;
        let version = room.version()?;
        let rid = room.rid as u64;
        let dag = load_dag(&self.store, rid, version).await?;
        let logged = logged_state(&self.store, rid).await?;
        let outside = (0..dag.len()).filter(|rn| !logged.contains(rn)).collect();
        Ok(Export {
            log: Pages::of_room(&self.store, rid, KIND_LOG, ENTRIES_AT_ONCE),
            version,
            dag,
            outside: Some(outside),
        })
    }
}

impl Export<'_> {
    /// Some more lines, each with its line break; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(outside) = self.outside.take() {
            return Ok(Some(self.outside(&outside)));
        }
        let Some(page) = self.log.next().await? else {
            return Ok(None);
        };
        let mut lines = Vec::new();
        for (key, entry) in page {
            if entry.is_control() {
                continue;
            }
            let kind = match entry.cls {
                cls if cls == Class::History as i32 => "history",
                _ => "live",
            };
            let pdu = match entry.is_purged() {
                true => None,
                false => Some(self.dag.event_of(&entry, self.version)?),
            };
            let hash = entry.hash()?;
            let pos = Some(number(&key)?);
            lines.extend(self.line(&hash, kind, pos, pdu));
        }
        Ok(Some(lines))
    }

    fn outside(&self, numbers: &[u32]) -> Vec<u8> {
        let mut lines = Vec::new();
        for event in numbers.iter().filter_map(|rn| self.dag.get(*rn)) {
            let kind = if event.rejected {
                "rejected"
            } else {
                "outlier"
            };
            let pdu = Arc::clone(&event.pdu);
            lines.extend(self.line(&pdu.hash(), kind, None, Some(pdu)));
        }
        lines
    }

    fn line(&self, hash: &Hash, kind: &str, pos: Option<u64>, pdu: Option<Arc<Pdu>>) -> Vec<u8> {
        let id = match &pdu {
            Some(pdu) => Some(pdu.event_id().to_owned()),
            None => event_id_of_hash(hash, self.version.rules()),
        };
        let id = id.map_or(Value::Null, |id| id.as_str().into());
        let event = pdu.map_or(Value::Null, |pdu| pdu.object().clone().into());
        let mut line = Object::from([
            ("event_id".to_owned(), id),
            ("kind".to_owned(), kind.into()),
            ("pdu".to_owned(), event),
        ]);
        if let Some(pos) = pos {
            line.insert("pos", Value::Int(pos as i64));
        }
        let mut bytes = object_to_bytes(&line);
        bytes.push(b'\n');
        bytes
    }
}

/// The numbers of the state events that are in the log.
async fn logged_state(store: &Store, rid: u64) -> Result<HashSet<u32>> {
    let mut logged = HashSet::new();
    let mut log = Pages::<EntryDoc>::of_room(store, rid, KIND_LOG, ENTRIES_AT_ONCE);
    while let Some(page) = log.next().await? {
        logged.extend(
            page.into_iter()
                .filter_map(|(_, entry)| entry.rn.map(|rn| rn as u32)),
        );
    }
    Ok(logged)
}
