//! Which redactions hold, and the state events that they leave nothing of.
//!
//! A redacted message is found through its entry. State is read by number, from memory: for each
//! state event that a redaction took the content of there is a row `R`.

use std::{ops::Bound, sync::Arc};

use gantry_model::{Pdu, RoomVersionRules};
use gantry_state_res::{PowerLevels, Rn, StateMap};
use gantry_store::{Batch, Scan, schema::ROOM, to_document};

use crate::{
    Error, Result,
    codec::{EntryDoc, KIND_REDACTED, RedactedDoc, entry_key, hash_of, key, number},
    load::binary,
    memory::{Dag, Memory},
    relations::REDACTION,
};

/// Redactions of one event that are looked at.
const MAX_REDACTIONS: usize = 100;

/// Whether a redaction holds whatever the state before it; `None`: its sender's power decides
/// (<https://spec.matrix.org/v1.19/rooms/v11/#handling-redactions>). In versions 1 and 2 the
/// authorization rules have decided it.
pub(crate) fn holds_by_itself(
    rules: &RoomVersionRules,
    redaction: &Pdu,
    original: &Pdu,
) -> Option<bool> {
    if original.kind() == "m.room.create" {
        return Some(false);
    }
    let is_of_same_server = redaction.sender().server_name() == original.sender().server_name();
    (rules.redaction_auth_rule || is_of_same_server).then_some(true)
}

/// Whether a redaction's sender may redact what others said. `state`: that before the redaction.
pub(crate) fn may_redact_others(dag: &Dag, state: &StateMap, redaction: &Pdu) -> bool {
    let Some(create) = dag.state_event(state, "m.room.create", "") else {
        return false;
    };
    let levels = dag.state_event(state, "m.room.power_levels", "");
    let levels = PowerLevels::of(&create, levels.as_deref());
    levels.for_user(redaction.sender()) >= levels.redact()
}

/// Hides what an entry that is about to be appended redacts, and the entry itself where its redaction
/// came first.
pub(crate) async fn heed(memory: &mut Memory, batch: &mut Batch, entry: &EntryDoc) -> Result<()> {
    if let Some((rn, redaction)) = redacted_by(memory, entry).await? {
        hide(memory, batch, rn, memory.head.pos + 1, redaction)?;
    }
    let Some(rn) = entry.rn else { return Ok(()) };
    if memory.head.counts.red == 0 {
        return Ok(());
    }
    let target = vec![(memory.rid as i64).into(), binary(&entry.le)];
    let scan = Scan::index("rel", target).limit(MAX_REDACTIONS);
    for (place, earlier) in memory.store.scan::<EntryDoc>(ROOM, scan).await? {
        let redacted = redacted_by(memory, &earlier).await?;
        if let Some((_, redaction)) = redacted.filter(|(redacted, _)| *redacted == rn as Rn) {
            return hide(memory, batch, rn as Rn, number(&place)?, redaction);
        }
    }
    Ok(())
}

/// The state event whose content an entry takes, if it is a redaction of one and holds; and the
/// redaction.
async fn redacted_by(memory: &Memory, entry: &EntryDoc) -> Result<Option<(Rn, Arc<Pdu>)>> {
    let Some(rn) = target_of(memory, entry)?.filter(|_| entry.tk.is_some()) else {
        return Ok(None);
    };
    let Some(original) = memory.dag.pdu(rn) else {
        return Ok(None);
    };
    let redaction = memory.dag.event_of(entry, memory.version)?;
    let holds = match holds_by_itself(memory.rules(), &redaction, &original) {
        Some(holds) => holds,
        None => match entry.sb {
            Some(sb) => may_redact_others(&memory.dag, &memory.state(sb).await?, &redaction),
            None => false,
        },
    };
    Ok(holds.then_some((rn, redaction)))
}

/// The state event that an entry is a redaction of.
fn target_of(memory: &Memory, entry: &EntryDoc) -> Result<Option<Rn>> {
    let target = entry.rel.as_ref().filter(|rel| rel.kind == REDACTION);
    match target {
        Some(target) => Ok(memory.dag.find(&hash_of(&target.hash)?)),
        None => Ok(None),
    }
}

/// `pos`: of the redaction's entry.
fn hide(
    memory: &mut Memory,
    batch: &mut Batch,
    rn: Rn,
    pos: u64,
    redaction: Arc<Pdu>,
) -> Result<()> {
    if memory.dag.hide(rn, Some(redaction)) {
        let row = RedactedDoc {
            rid: memory.rid as i64,
            pos: pos as i64,
        };
        let key = key(memory.rid, KIND_REDACTED, u64::from(rn));
        batch.put(ROOM, key, to_document(ROOM, &row)?);
    }
    Ok(())
}

/// Hides what is stored as redacted. A row whose redaction is not at its place was part of an append
/// that broke off.
pub(crate) async fn load_redacted(memory: &mut Memory) -> Result<()> {
    let rows = Scan::range(
        Bound::Included(key(memory.rid, KIND_REDACTED, 0)),
        Bound::Included(key(memory.rid, KIND_REDACTED, u64::MAX)),
    );
    let rows = memory.store.scan::<RedactedDoc>(ROOM, rows).await?;
    let places = rows
        .iter()
        .map(|(_, row)| entry_key(memory.rid, row.pos as u64));
    let places: Vec<_> = places.collect();
    let redactions = memory.store.multi_get::<EntryDoc>(ROOM, &places).await?;
    for ((row, _), redaction) in rows.iter().zip(redactions) {
        let rn = Rn::try_from(number(row)?).map_err(|_| Error::Broken("too many state events"))?;
        let Some(entry) = redaction else { continue };
        if entry.is_purged() {
            memory.dag.hide(rn, None);
        } else if target_of(memory, &entry)? == Some(rn) {
            let redaction = memory.dag.event_of(&entry, memory.version)?;
            memory.dag.hide(rn, Some(redaction));
        }
    }
    Ok(())
}
