//! Forward extremities.

use gantry_model::{Pdu, pdu::event_hash};

use crate::{
    EventFlags, Result,
    codec::Hash,
    ingest::rejected_event,
    memory::{Extremity, Memory},
};

/// The most forward extremities that a head keeps.
pub(crate) const MAX_EXTREMITIES: usize = 64;

/// Events that are looked for among the extremities, or behind hidden ones, at most.
pub(crate) const MAX_HIDDEN: usize = 100;
/// Takes the event's previous events out of the extremities, also those behind soft-failed ones.
pub(super) async fn drop_ancestors(
    memory: &Memory,
    fx: &mut Vec<Extremity>,
    pdu: &Pdu,
) -> Result<()> {
    let rules = memory.rules();
    let mut wave: Vec<Hash> = pdu
        .prev_events()
        .iter()
        .map(|id| event_hash(id, rules))
        .collect();
    let mut looked_at = 0;
    while let Some(hash) = wave.pop() {
        if let Some(index) = fx.iter().position(|one| one.hash == hash) {
            fx.remove(index);
            continue;
        }
        looked_at += 1;
        if looked_at > MAX_HIDDEN {
            break;
        }
        let behind = behind_hidden(memory, &hash).await?;
        wave.extend(behind);
    }
    Ok(())
}

/// The previous events of an event that is no extremity itself because it was soft-failed or
/// rejected.
async fn behind_hidden(memory: &Memory, hash: &Hash) -> Result<Vec<Hash>> {
    if memory.recent(hash).is_some_and(|place| !place.soft) {
        return Ok(Vec::new());
    }
    match crate::load::find_entry(&memory.store, memory.rid, hash).await? {
        Some((_, entry)) if EventFlags::from_bits(entry.flags).soft => {
            Ok(entry.prev_hashes().collect())
        }
        Some(_) => Ok(Vec::new()),
        None => Ok(rejected_event(memory, hash).await?.unwrap_or_default()),
    }
}

/// A 65th extremity drops the one of the lowest depth.
pub(super) fn limit_extremities(fx: &mut Vec<Extremity>) {
    while fx.len() > MAX_EXTREMITIES {
        let lowest = fx
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| (one.depth, one.pos));
        match lowest.map(|(index, _)| index) {
            Some(index) => fx.remove(index),
            None => break,
        };
    }
}
