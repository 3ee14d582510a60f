//! What other servers give us at once: a room that we join through them, and older history.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{Pdu, RoomVersion, id::OwnedServerName, pdu::event_hash};
use gantry_store::{Batch, Scan, schema::ROOM};

use crate::{
    Error, EventFlags, Result, TimelineKey,
    codec::{Class, EntryDoc, Group, Hash, number},
    commit::{Env, NewEntry, NewGroups, append, import_group},
    draft::allowed,
    ingest::{GivenState, add_given},
    load::{binary, place_of},
    memory::Memory,
    partial::with_members_of,
};

/// A room that we have joined through another server.
#[derive(Debug, Clone)]
pub struct JoinImport {
    /// The room's version.
    pub version: RoomVersion,
    /// Our join, as the resident server signed it.
    pub join: Pdu,
    /// The state before it and everything that authorizes that, signatures and hashes checked.
    pub given: GivenState,
    /// Servers in the room.
    pub servers: Vec<OwnedServerName>,
    /// Whether the other server left members out of the state.
    pub members_omitted: bool,
}

/// Appends a join that another server has taken in: the head starts anew from it.
pub(crate) async fn import_join(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    import: &JoinImport,
) -> Result<()> {
    let join = Arc::new(import.join.clone());
    if place_of(memory, &join.hash()).await?.is_some() {
        return Ok(());
    }
    let mut state = add_given(memory, batch, &import.given)?;
    if import.members_omitted {
        state = with_members_of(memory, &state, &join);
    }
    if memory
        .dag
        .state_event(&state, "m.room.create", "")
        .is_none()
    {
        return Err(Error::Inconsistent("the room has no create event"));
    }
    allowed(memory, &state, &join).map_err(Error::Rejected)?;
    let mut groups = NewGroups::next(memory);
    let sb = import_group(memory, batch, env, &mut groups, &state).await?;
    let entry = NewEntry {
        pdu: join,
        class: Class::Live,
        flags: EventFlags {
            gap: true,
            local: true,
            ..EventFlags::default()
        },
        sb: Some(sb),
        tk: None,
        tx: None,
        rc: None,
        restart: true,
        servers: import
            .members_omitted
            .then(|| Arc::new(import.servers.iter().cloned().collect())),
    };
    append(memory, batch, env, entry, groups).await
}

/// Older events, as backfill gives them.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) pdus: Vec<Arc<Pdu>>,
    pub(crate) before_oldest: Option<GivenState>,
}

/// Appends older events that are not here yet. Returns how many were new.
///
/// If the state before the oldest is given, the others are computed forward from it; otherwise
/// their state stays unknown.
pub(crate) async fn import_history(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    history: &History,
) -> Result<usize> {
    let mut pdus = history.pdus.clone();
    pdus.sort_by_key(|pdu| pdu.depth());
    let mut state = match &history.before_oldest {
        Some(given) => Some(add_given(memory, batch, given)?),
        None => None,
    };
    let anchors = Anchors::load(memory).await?;
    let mut after: HashMap<Hash, Group> = HashMap::new();
    let mut added = 0;
    for pdu in pdus {
        let hash = pdu.hash();
        if place_of(memory, &hash).await?.is_some() || pdu.room_id() != memory.room_id {
            continue;
        }
        let mut groups = NewGroups::next(memory);
        let known = pdu
            .prev_events()
            .iter()
            .find_map(|id| after.get(&event_hash(id, memory.rules())).copied());
        let sb = match (known, state.take()) {
            (Some(group), rest) => {
                state = rest;
                Some(group)
            }
            (None, Some(given)) => {
                Some(import_group(memory, batch, env, &mut groups, &given).await?)
            }
            (None, None) => None,
        };
        let can_be_numbered = pdu
            .auth_events()
            .iter()
            .all(|id| memory.dag.find(&event_hash(id, memory.rules())).is_some());
        if !can_be_numbered {
            continue;
        }
        if let Some(group) = sb {
            let before = memory.state(group).await?;
            if allowed(memory, &before, &pdu).is_err() {
                continue;
            }
        }
        let gap = !has_all_prev(memory, &pdu).await?;
        let anchor = anchors.of(pdu.depth());
        let tk = free_key(memory, batch, anchor, &pdu).await?;
        let entry = NewEntry {
            pdu,
            class: Class::History,
            flags: EventFlags {
                gap,
                quiet: true,
                ..EventFlags::default()
            },
            sb,
            tk: Some(tk),
            tx: None,
            rc: None,
            restart: false,
            servers: None,
        };
        append(memory, batch, env, entry, groups).await?;
        if let Some(sa) = memory.recent(&hash).and_then(|place| place.sa) {
            after.insert(hash, sa);
        }
        added += 1;
    }
    Ok(added)
}

async fn has_all_prev(memory: &Memory, pdu: &Pdu) -> Result<bool> {
    for id in pdu.prev_events() {
        if place_of(memory, &event_hash(id, memory.rules()))
            .await?
            .is_none()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The live entries with a gap: position and depth.
struct Anchors(Vec<(u64, i64)>);

impl Anchors {
    async fn load(memory: &Memory) -> Result<Self> {
        let scan = Scan::index("gap", vec![(memory.rid as i64).into(), true.into()]);
        let rows = memory.store.scan::<EntryDoc>(ROOM, scan.light()).await?;
        let anchors = rows
            .iter()
            .map(|(entry_key, entry)| Ok((number(entry_key)?, entry.h.depth)))
            .collect::<Result<_>>()?;
        Ok(Self(anchors))
    }

    /// The lowest anchor that is deeper, or else the lowest one.
    fn of(&self, depth: i64) -> u64 {
        let deeper = self.0.iter().find(|(_, of)| *of > depth);
        deeper.or(self.0.first()).map_or(1, |(pos, _)| *pos)
    }
}

/// The event's key at an anchor: its depth, and as tie the first free number from the beginning of
/// its hash on.
async fn free_key(memory: &Memory, batch: &Batch, anchor: u64, pdu: &Pdu) -> Result<TimelineKey> {
    let hash = pdu.hash();
    let mut tie = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let depth = (pdu.depth() as u64).min(u64::MAX - 1);
    loop {
        let key = TimelineKey::new(anchor, depth, tie);
        let scan = Scan::index(
            "tk",
            vec![(memory.rid as i64).into(), binary(key.as_bytes())],
        )
        .light();
        let stored = memory.store.scan::<EntryDoc>(ROOM, scan.limit(1)).await?;
        let pending = batch.ops.iter().any(|op| {
            let tk = op.op.doc().and_then(|doc| doc.get("tk"));
            tk == Some(&binary(key.as_bytes()))
        });
        if stored.is_empty() && !pending {
            return Ok(key);
        }
        tie = tie.wrapping_add(1);
    }
}
