//! From the provisional state to the whole one.

use std::ops::Bound;

use gantry_store::{Batch, Op, Scan, bson::deserialize_from_document, schema::ROOM};

use super::Correction;
use crate::{
    Error, EventFlags, Result,
    codec::{Class, EntryDoc, entry_key, log_place, number},
    commit::{Env, NewGroups, append_control, import_group, state_after},
    draft::allowed,
    ingest::{GivenState, StateBefore, add_given, state_before},
    memory::{Memory, Place},
};

/// Makes a room's state whole: `given` is the state before the join. False: it is whole already.
///
/// # Errors
///
/// [`Error::Inconsistent`] if the state does not allow our join.
pub(crate) async fn complete(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    given: &GivenState,
) -> Result<bool> {
    let Some(since) = memory.head.partial.as_ref().map(|partial| partial.since) else {
        return Ok(false);
    };
    let state = add_given(memory, batch, given)?;
    let mut groups = NewGroups::next(memory);
    for (pos, entry) in entries_from(memory, batch, since).await? {
        let flags = EventFlags::from_bits(entry.flags);
        // What came with a state of its own was given the whole one.
        let is_given = pos != since && flags.gap;
        if entry.cls != Class::Live as i32 || is_given {
            continue;
        }
        let pdu = memory.dag.event_of(&entry, memory.version)?;
        let sb = if pos == since {
            import_group(memory, batch, env, &mut groups, &state).await?
        } else {
            match state_before(memory, batch, env, &mut groups, &pdu).await? {
                StateBefore::Known(group) => group,
                StateBefore::Missing(_) => continue,
            }
        };
        let before = memory.state(sb).await?;
        let is_allowed = allowed(memory, &before, &pdu).is_ok();
        if pos == since && !is_allowed {
            return Err(Error::Inconsistent("the state does not allow our join"));
        }
        let sa = match entry.rn {
            Some(rn) if is_allowed => {
                state_after(memory, batch, env, &mut groups, sb, rn as u32).await?
            }
            _ => sb,
        };
        let soft = flags.soft || !is_allowed;
        memory.remember(pdu.hash(), Place { sa: Some(sa), soft });
        memory.corrections.insert(pos, Correction { sb, sa, soft });
    }
    append_control(memory, batch, env, groups).await?;
    Ok(true)
}

/// The entries from a position on, those that are not committed yet included.
async fn entries_from(memory: &Memory, batch: &Batch, pos: u64) -> Result<Vec<(u64, EntryDoc)>> {
    let scan = Scan::range(
        Bound::Included(entry_key(memory.rid, pos)),
        Bound::Included(entry_key(memory.rid, u64::MAX)),
    );
    let stored = memory.store.scan::<EntryDoc>(ROOM, scan).await?.into_iter();
    let mut entries = stored
        .map(|(key, entry)| Ok((number(&key)?, entry)))
        .collect::<Result<Vec<_>>>()?;
    for op in &batch.ops {
        if let Op::Insert { table, key, doc } = &op.op
            && *table == ROOM
            && let Some((_, pos)) = log_place(key)
        {
            let entry = deserialize_from_document(doc.clone());
            let entry = entry.map_err(|_| Error::Broken("an entry is none"))?;
            entries.push((pos, entry));
        }
    }
    Ok(entries)
}
