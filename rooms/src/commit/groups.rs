//! The state groups that an entry creates, and the pages of what is too large for it.

use gantry_state_res::{Resolution, Rn, StateMap, StateReset};
use gantry_store::{Batch, Blob, schema::ROOM, to_document};

use super::Env;
use crate::{
    Error, Result,
    codec::{
        Change, Group, GroupDoc, KIND_PAGE, MAX_INLINE, MAX_PAGE, PageDoc, key, pack, pack_changes,
    },
    memory::{Extremity, Memory},
    state::{diff, set},
};

/// The groups that an entry creates: `pos * 65536 + i`.
pub(crate) struct NewGroups {
    pub(crate) pos: u64,
    pub(crate) docs: Vec<GroupDoc>,
}

impl NewGroups {
    /// None yet, for the next entry of a room.
    pub(crate) fn next(memory: &Memory) -> Self {
        Self {
            pos: memory.head.pos + 1,
            docs: Vec::new(),
        }
    }
}

/// A new group that differs from `up` by `delta`.
pub(crate) async fn new_group(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    up: Group,
    delta: &[Change],
) -> Result<Group> {
    let g = (groups.pos as i64) << 16 | groups.docs.len() as i64;
    let mut cached = memory.group(up).await?.child(up, delta);
    let (inline, pages) = spill(memory, batch, env, pack_changes(delta))?;
    let full = if cached.wants_checkpoint() {
        cached.since_full = 0;
        let pairs = cached.state.iter().flat_map(|(skid, rn)| [*skid, *rn]);
        write_pages(memory, batch, env, &pack(pairs).0)?
    } else {
        Vec::new()
    };
    groups.docs.push(GroupDoc {
        g,
        up: Some(up),
        up8: cached.line.get(7).copied(),
        delta: inline,
        pages,
        full,
    });
    memory.add_group(g, cached);
    Ok(g)
}

/// Keeps bytes in the entry, or in pages if there are too many.
pub(super) fn spill(
    memory: &Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    bytes: Vec<u8>,
) -> Result<(Option<Blob>, Vec<i64>)> {
    if bytes.len() <= MAX_INLINE {
        return Ok((Some(Blob(bytes)), Vec::new()));
    }
    Ok((None, write_pages(memory, batch, env, &bytes)?))
}

fn write_pages(
    memory: &Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    bytes: &[u8],
) -> Result<Vec<i64>> {
    bytes
        .chunks(MAX_PAGE)
        .map(|chunk| {
            let n = env.rng.next_u64();
            let doc = PageDoc {
                rid: memory.rid as i64,
                body: Blob(chunk.to_vec()),
            };
            batch.insert(
                ROOM,
                key(memory.rid, KIND_PAGE, n),
                to_document(ROOM, &doc)?,
            );
            Ok(n as i64)
        })
        .collect()
}

/// The state after a state event.
pub(crate) async fn state_after(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    sb: Group,
    rn: Rn,
) -> Result<Group> {
    let before = memory.state(sb).await?;
    let skid = memory
        .dag
        .get(rn)
        .ok_or(Error::Broken("a state event has no number"))?
        .skid;
    if before.get(&skid) == Some(&rn) {
        return Ok(sb);
    }
    let delta = [set(&before, skid, rn)];
    new_group(memory, batch, env, groups, sb, &delta).await
}

/// The resolved state of the forward extremities.
pub(super) async fn current_state(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    fx: &[Extremity],
    newest: Group,
) -> Result<Group> {
    let mut sides: Vec<Group> = fx.iter().map(|one| one.sa).collect();
    sides.sort_unstable();
    sides.dedup();
    if let [only] = sides[..] {
        return Ok(only);
    }
    merge(memory, batch, env, groups, &sides, newest).await
}

/// Tells of keys that a resolution has taken back to an older event.
fn report(memory: &Memory, resets: &[StateReset]) {
    let shown = |rn: Option<Rn>| rn.and_then(|rn| memory.dag.pdu(rn));
    for reset in resets {
        let Some((kind, state_key)) = memory.dag.key(reset.skid) else {
            continue;
        };
        tracing::warn!(
            room.id = %memory.room_id,
            event.kind = kind,
            event.state_key = state_key,
            to = shown(reset.to).map(|pdu| pdu.event_id().as_str().to_owned()),
            "state reset: the resolution chose none of the events that the branches had"
        );
    }
}

/// Resolves several states into one group: one of theirs if the result equals it, else a new one.
pub(crate) async fn merge(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    sides: &[Group],
    preferred: Group,
) -> Result<Group> {
    let mut states: Vec<StateMap> = Vec::with_capacity(sides.len());
    for side in sides {
        states.push(memory.state(*side).await?);
    }
    let Resolution {
        state: resolved,
        resets,
    } = memory.resolve(&states);
    report(memory, &resets);
    let mut candidates = sides.to_vec();
    candidates.extend([memory.head.cs, preferred]);
    let mut nearest: Option<(Group, Vec<Change>)> = None;
    for candidate in candidates {
        let delta = diff(&memory.state(candidate).await?, &resolved);
        if delta.is_empty() {
            return Ok(candidate);
        }
        if nearest
            .as_ref()
            .is_none_or(|(_, best)| delta.len() < best.len())
        {
            nearest = Some((candidate, delta));
        }
    }
    let (up, delta) = nearest.ok_or(Error::Broken("nothing to resolve"))?;
    new_group(memory, batch, env, groups, up, &delta).await
}

/// A group for a whole state, as a difference from the nearest known one.
pub(crate) async fn import_group(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    state: &StateMap,
) -> Result<Group> {
    let near = memory.head.cs;
    let delta = diff(&memory.state(near).await?, state);
    if delta.is_empty() {
        return Ok(near);
    }
    new_group(memory, batch, env, groups, near, &delta).await
}
