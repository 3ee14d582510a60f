//! Which redactions hold, and the state events that they leave nothing of.
//!
//! A redacted message is found through its entry. State is read by number, from memory: for each
//! state event that a redaction took the content of there is a row `R`.

use std::ops::Bound;

use gantry_model::{Pdu, RoomVersionRules};
use gantry_state_res::{PowerLevels, Rn, StateMap};
use gantry_store::{Batch, Scan, schema::ROOM, to_document};

use crate::{
    Error, Result,
    codec::{EntryDoc, KIND_REDACTED, RedactedDoc, key, number},
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
    if let Some(rn) = redacted_by(memory, entry).await? {
        hide(memory, batch, rn)?;
    }
    let Some(rn) = entry.rn else { return Ok(()) };
    if memory.head.counts.red == 0 {
        return Ok(());
    }
    let target = vec![(memory.rid as i64).into(), binary(&entry.le)];
    let scan = Scan::index("rel", target).limit(MAX_REDACTIONS);
    for (_, earlier) in memory.store.scan::<EntryDoc>(ROOM, scan).await? {
        if redacted_by(memory, &earlier).await? == Some(rn as Rn) {
            return hide(memory, batch, rn as Rn);
        }
    }
    Ok(())
}

/// The state event whose content an entry takes, if it is a redaction of one and holds.
async fn redacted_by(memory: &Memory, entry: &EntryDoc) -> Result<Option<Rn>> {
    let target = entry.rel.as_ref().filter(|rel| rel.kind == REDACTION);
    let (Some(target), Some(_)) = (target, &entry.tk) else {
        return Ok(None);
    };
    let Some(rn) = memory.dag.find(&crate::codec::hash_of(&target.hash)?) else {
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
    Ok(holds.then_some(rn))
}

fn hide(memory: &mut Memory, batch: &mut Batch, rn: Rn) -> Result<()> {
    if memory.dag.hide(rn) {
        let row = RedactedDoc {
            rid: memory.rid as i64,
        };
        let key = key(memory.rid, KIND_REDACTED, u64::from(rn));
        batch.put(ROOM, key, to_document(ROOM, &row)?);
    }
    Ok(())
}

/// Hides what is stored as redacted.
pub(crate) async fn load_redacted(memory: &mut Memory) -> Result<()> {
    let rows = Scan::range(
        Bound::Included(key(memory.rid, KIND_REDACTED, 0)),
        Bound::Included(key(memory.rid, KIND_REDACTED, u64::MAX)),
    );
    for (row, _) in memory.store.scan::<RedactedDoc>(ROOM, rows).await? {
        let rn = Rn::try_from(number(&row)?);
        memory
            .dag
            .hide(rn.map_err(|_| Error::Broken("too many state events"))?);
    }
    Ok(())
}
