//! The numbers of state keys and state events: looked up, or given with the first use.

use std::sync::Arc;

use gantry_model::{Pdu, pdu::event_hash};
use gantry_state_res::{AuthEvent, EventSource, Rn, Skid};
use gantry_store::{Batch, BatchOp, Blob, Key, schema::ROOM, to_document};

use crate::{
    Error, Result,
    codec::{KIND_KEY, KIND_OUTLIER, KIND_STATE, KeyDoc, OutlierDoc, StateDoc, key, number, pack},
    ingest::rejected_event,
    memory::{Memory, key_hash},
};

/// Stores a rejected event, or an outlier message: it is in no log.
pub(crate) async fn keep_aside(
    memory: &mut Memory,
    batch: &mut Batch,
    pdu: &Arc<Pdu>,
    rejection: Option<String>,
) -> Result<()> {
    if pdu.state_key().is_some() {
        state_event_number(memory, batch, pdu, None, rejection)?;
        return Ok(());
    }
    let hash = pdu.hash();
    let before = pdu.prev_events().iter();
    let before = before.map(|id| event_hash(id, memory.rules())).collect();
    if rejected_event(memory, &hash).await?.is_some() {
        return Ok(());
    }
    let doc = OutlierDoc {
        rid: memory.rid as i64,
        be: Blob(hash.to_vec()),
        body: Blob(pdu.to_bytes()),
        rej: rejection,
    };
    let mut n = [0; 8];
    n.copy_from_slice(&hash[..8]);
    let mut outlier_key = key(memory.rid, KIND_OUTLIER, u64::from_be_bytes(n));
    while is_taken(memory, batch, &outlier_key).await? {
        let next = number(&outlier_key)?.wrapping_add(1);
        outlier_key = key(memory.rid, KIND_OUTLIER, next);
    }
    if doc.rej.is_some() {
        memory.remember_rejected(hash, before);
    }
    batch.insert(ROOM, outlier_key, to_document(ROOM, &doc)?);
    Ok(())
}

async fn is_taken(memory: &Memory, batch: &Batch, key: &Key) -> Result<bool> {
    let is_there = |op: &BatchOp| op.op.table() == ROOM && op.op.key() == key;
    if batch.ops.iter().any(is_there) {
        return Ok(true);
    }
    let stored: Option<OutlierDoc> = memory.store.get(ROOM, key).await?;
    Ok(stored.is_some())
}

/// The numbers of an event's auth events.
pub(crate) fn auth_numbers(memory: &Memory, pdu: &Pdu) -> Result<Vec<Rn>> {
    pdu.auth_events()
        .iter()
        .map(|id| {
            memory
                .dag
                .find(&event_hash(id, memory.rules()))
                .ok_or(Error::Inconsistent("an auth event is missing"))
        })
        .collect()
}

/// The number of a state key; a new one is named first.
pub(crate) fn state_key_number(
    memory: &mut Memory,
    batch: &mut Batch,
    kind: &str,
    state_key: &str,
) -> Result<Skid> {
    if let Some(skid) = memory.dag.skid(kind, state_key) {
        return Ok(skid);
    }
    let skid = memory.dag.push_key(kind, state_key);
    let doc = KeyDoc {
        rid: memory.rid as i64,
        kind: kind.to_owned(),
        state_key: state_key.to_owned(),
        kh: Blob(key_hash(kind, state_key).to_vec()),
    };
    batch.insert(
        ROOM,
        key(memory.rid, KIND_KEY, u64::from(skid)),
        to_document(ROOM, &doc)?,
    );
    Ok(skid)
}

/// The number of a state event; a new one is stored first. Its auth events must have numbers. `old`:
/// the state event in whose place it comes.
pub(crate) fn state_event_number(
    memory: &mut Memory,
    batch: &mut Batch,
    pdu: &Arc<Pdu>,
    old: Option<Rn>,
    rejection: Option<String>,
) -> Result<Rn> {
    let hash = pdu.hash();
    if let Some(rn) = memory.dag.find(&hash) {
        return Ok(rn);
    }
    let auth = auth_numbers(memory, pdu)?;
    let state_key = pdu.state_key().unwrap_or_default();
    let skid = state_key_number(memory, batch, pdu.kind(), state_key)?;
    let by = state_key_number(memory, batch, "m.room.member", pdu.sender().as_str())?;
    let rn = memory.dag.len();
    let doc = StateDoc {
        rid: memory.rid as i64,
        be: Blob(hash.to_vec()),
        skid: i64::from(skid),
        by: i64::from(by),
        auth: pack(auth.iter().copied()),
        ts: pdu.origin_server_ts(),
        body: Blob(pdu.to_bytes()),
        old: old.map(i64::from),
        rej: rejection.clone(),
    };
    batch.insert(
        ROOM,
        key(memory.rid, KIND_STATE, u64::from(rn)),
        to_document(ROOM, &doc)?,
    );
    let event = AuthEvent::new(Arc::clone(pdu), rn, skid, auth, rejection.is_some());
    memory.push(hash, event);
    if let Some(old) = old {
        memory.dag.set_replaced(rn, old);
    }
    Ok(rn)
}
