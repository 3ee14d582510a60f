//! The control entry: a new current state and corrections, and no event.

use gantry_model::hash::sha256;
use gantry_store::{Batch, Blob, schema::ROOM, to_document};

use super::{
    Env, NewGroups,
    counts::{count_members, local_steps},
    groups::{current_state, spill},
    head_doc, stamp,
};
use crate::{
    Error, EventFlags, Result,
    codec::{Class, EntryDoc, Hash, entry_key, pack_changes},
    members::membership_rows,
    memory::{Head, Memory},
    partial::pack_corrections,
    state::diff,
};

/// The hash of a control entry: that of its own bytes.
pub(crate) fn control_hash(entry: &EntryDoc) -> Result<Hash> {
    let mut unnamed = entry.clone();
    unnamed.le = Blob(Vec::new());
    (unnamed.w, unnamed.s, unnamed.pw) = (None, None, None);
    let bytes = to_document(ROOM, &unnamed)?.to_vec();
    let bytes = bytes.map_err(|_| Error::Broken("an entry cannot be written"))?;
    Ok(sha256(&bytes))
}

/// Appends the entry by which a room's state becomes what the corrections say.
pub(crate) async fn append_control(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    mut groups: NewGroups,
) -> Result<()> {
    let pos = memory.head.pos + 1;
    let mut fx = memory.head.fx.clone();
    // Where all would go, the first stays: a room has an end.
    let is_out = |pos: &u64| memory.corrections.get(pos).is_some_and(|one| one.soft);
    if !fx.iter().all(|one| is_out(&one.pos)) {
        fx.retain(|one| !is_out(&one.pos));
    }
    for one in &mut fx {
        if let Some(correction) = memory.corrections.get(&one.pos) {
            one.sa = correction.sa;
        }
    }
    let newest = fx.last().map_or(memory.head.cs, |one| one.sa);
    let cs = current_state(memory, batch, env, &mut groups, &fx, newest).await?;
    let changes = diff(
        &memory.state(memory.head.cs).await?,
        &memory.state(cs).await?,
    );
    let mut counts = memory.head.counts;
    count_members(memory, &mut counts, &changes);
    let depth = fx.iter().map(|one| one.depth).max();
    let mut head = Head {
        pos,
        position: None,
        le: [0; 32],
        cs,
        depth: depth.unwrap_or(memory.head.depth),
        u: env.now_ms.max(memory.head.u + 1),
        counts,
        partial: None,
        corrected: Some(pos),
        fx,
    };
    let (cd, cd_pages) = spill(memory, batch, env, pack_changes(&changes))?;
    let mut entry = EntryDoc {
        rid: memory.rid as i64,
        le: Blob(Vec::new()),
        tk: None,
        cls: Class::Control as i32,
        flags: EventFlags::default().to_bits(),
        gap: None,
        out: None,
        kind: String::new(),
        state_key: None,
        by: 0,
        rn: None,
        body: None,
        auth: Blob(Vec::new()),
        prev: Blob(Vec::new()),
        sb: None,
        sa: None,
        ng: groups.docs,
        cd: (!changes.is_empty()).then_some(cd).flatten(),
        cd_pages,
        ov: Some(pack_corrections(&memory.corrections)),
        rel: None,
        tx: None,
        rc: None,
        ts: env.now_ms,
        w: None,
        s: None,
        pw: memory.head.position,
        h: head_doc(&head, &memory.head.le),
    };
    head.le = control_hash(&entry)?;
    entry.le = Blob(head.le.to_vec());
    let doc = to_document(ROOM, &entry)?;
    batch.insert_stamped(ROOM, entry_key(memory.rid, pos), doc, stamp(memory));
    membership_rows(memory, batch, env, &changes, pos).await?;
    memory.local_joined += local_steps(memory, env, &changes);
    memory.head = head;
    Ok(())
}
