//! The projections of a room, made from its log alone.

use std::collections::BTreeMap;

use gantry_model::id::UserId;
use gantry_store::{Key, Store};

use crate::{
    MembershipRow, Result,
    codec::{Change, EntryDoc, KIND_LOG, RoomDoc, number, unpack_changes},
    load::load_dag,
    members::{Transition, row_key},
    memory::Dag,
    pages::Pages,
    state::read_pages,
};

/// Log entries that are read at once.
pub(super) const ENTRIES_AT_ONCE: usize = 256;

/// What a room's log makes of the rows that stand beside it. Its counters stand in the log itself
/// and are checked, not rebuilt.
#[derive(Debug, Default)]
pub(super) struct Projections {
    /// The memberships of local users.
    pub(super) rows: BTreeMap<Key, MembershipRow>,
}

/// Reads a room's log and makes its projections anew.
pub(super) async fn project(
    store: &Store,
    room: &RoomDoc,
    is_local: &(dyn Fn(&UserId) -> bool + Sync),
) -> Result<Projections> {
    let rid = room.rid as u64;
    let dag = load_dag(store, rid, room.version()?).await?;
    let mut made = Projections::default();
    let mut log = Pages::<EntryDoc>::of_room(store, rid, KIND_LOG, ENTRIES_AT_ONCE);
    while let Some(page) = log.next().await? {
        for (entry_key, entry) in page {
            let changes = current_changes(store, rid, &entry).await?;
            made.add_rows(room, &dag, &changes, number(&entry_key)?, is_local);
        }
    }
    Ok(made)
}

impl Projections {
    /// Takes the changes of the next entry.
    pub(super) fn add_rows(
        &mut self,
        room: &RoomDoc,
        dag: &Dag,
        changes: &[Change],
        pos: u64,
        is_local: &(dyn Fn(&UserId) -> bool + Sync),
    ) {
        for change in changes {
            let Some(transition) = Transition::of(dag, change, is_local) else {
                continue;
            };
            let key = row_key(&transition.user, room.rid as u64);
            let old = self.rows.remove(&key);
            let row = transition.row(&room.room_id, room.rid, pos, old.as_ref());
            self.rows.insert(key, row);
        }
    }
}

/// What an entry changed in the current state (`cd`).
pub(crate) async fn current_changes(
    store: &Store,
    rid: u64,
    entry: &EntryDoc,
) -> Result<Vec<Change>> {
    if let Some(changes) = &entry.cd {
        return Ok(unpack_changes(changes));
    }
    if entry.cd_pages.is_empty() {
        return Ok(Vec::new());
    }
    Ok(unpack_changes(
        &read_pages(store, rid, &entry.cd_pages).await?,
    ))
}
