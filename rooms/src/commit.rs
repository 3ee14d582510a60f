//! The only writer of rooms: turns an authorized event into one log entry with everything that
//! stands with it (state key names, bodies, groups, pages, membership rows) and adds it to a batch.
//!
//! The order inside a batch is `[K.., S.., G.., R, L, membership rows]`: `L` is the commit point, what
//! has no `L` is an outlier or garbage. See `event-log`, sections 2 to 5.

mod control;
mod counts;
mod extremities;
mod groups;
mod numbers;

use std::{collections::BTreeSet, sync::Arc};

use gantry_model::{
    Pdu,
    id::{OwnedServerName, UserId},
    pdu::{Reference, event_hash},
};
use gantry_state_res::{EventSource as _, Rn, Skid};
use gantry_store::{Batch, Blob, Stamp, schema::ROOM, to_document};

pub(crate) use control::{append_control, control_hash};
pub(crate) use counts::{highlights_everyone, notifies};
pub(crate) use extremities::{MAX_EXTREMITIES, MAX_HIDDEN};
pub(crate) use groups::{NewGroups, import_group, merge, state_after};
pub(crate) use numbers::{auth_numbers, keep_aside, state_event_number, state_key_number};

use self::{
    counts::{count, diverges, local_steps},
    extremities::{drop_ancestors, limit_extremities},
    groups::{current_state, spill},
};
use crate::{
    EventFlags, Relation, Result, TimelineKey, Txn,
    codec::{
        Change, Class, EntryDoc, ExtremityDoc, Group, Hash, HeadDoc, RelationDoc, TxnDoc,
        entry_key, pack, pack_changes,
    },
    dummy::is_dummy,
    members::membership_rows,
    memory::{Extremity, Head, Memory, Place},
    partial::{Partial, pack_servers},
    redaction,
    state::diff,
};

/// An authorized event on its way into the log.
pub(crate) struct NewEntry {
    pub(crate) pdu: Arc<Pdu>,
    pub(crate) class: Class,
    pub(crate) flags: EventFlags,
    /// The state before it; `None` only for history that nobody gave a state for.
    pub(crate) sb: Option<Group>,
    /// The key in the timeline; computed for live entries.
    pub(crate) tk: Option<TimelineKey>,
    pub(crate) tx: Option<TxnDoc>,
    pub(crate) rc: Option<String>,
    /// Whether the head starts anew from this entry (a join through another server).
    pub(crate) restart: bool,
    /// The servers in the room, if members were left out of the state before it.
    pub(crate) servers: Option<Arc<BTreeSet<OwnedServerName>>>,
}

/// What a command needs beside the room's memory.
pub(crate) struct Env<'a> {
    pub(crate) now_ms: i64,
    pub(crate) rng: &'a dyn gantry_model::Rng,
    pub(crate) is_local: &'a (dyn Fn(&UserId) -> bool + Sync),
}

impl Env<'_> {
    /// The stored form of a request's identity; made up where the client gave none.
    pub(crate) fn txn(&self, user: &UserId, txn: Option<&Txn>) -> TxnDoc {
        match txn {
            Some(txn) => TxnDoc {
                h: Blob(txn_hash(user, txn).to_vec()),
                device: Some(txn.device.clone()),
                id: Some(txn.id.clone()),
            },
            None => {
                let mut h = vec![0; 16];
                self.rng.fill(&mut h);
                TxnDoc {
                    h: Blob(h),
                    device: None,
                    id: None,
                }
            }
        }
    }
}

/// 16 bytes that stand for a request.
pub(crate) fn txn_hash(user: &UserId, txn: &Txn) -> [u8; 16] {
    gantry_store::hash16(&[
        user.as_bytes(),
        txn.device.as_bytes(),
        txn.endpoint.as_bytes(),
        txn.id.as_bytes(),
    ])
}

/// Appends an event: memory runs ahead, the batch makes it true. `groups` are those that finding
/// the state before it has created.
pub(crate) async fn append(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    entry: NewEntry,
    mut groups: NewGroups,
) -> Result<()> {
    let numbers = Numbers::of(memory, batch, &entry).await?;
    let sa = match (entry.sb, numbers.rn) {
        (Some(sb), Some(rn)) => Some(state_after(memory, batch, env, &mut groups, sb, rn).await?),
        (sb, _) => sb,
    };
    let step = Step::of(memory, batch, env, &entry, &numbers, sa, &mut groups).await?;
    let stamp = stamp(memory);
    let pos = memory.head.pos + 1;
    let cd = spill(memory, batch, env, pack_changes(&step.changes))?;
    let doc = entry_doc(memory, entry, numbers, &step, groups, cd);
    redaction::heed(memory, batch, &doc).await?;
    batch.insert_stamped(
        ROOM,
        entry_key(memory.rid, pos),
        to_document(ROOM, &doc)?,
        stamp,
    );
    membership_rows(memory, batch, env, &step.changes, pos).await?;
    memory.local_joined += local_steps(memory, env, &step.changes);
    step.take(memory);
    Ok(())
}

/// The first entry of a room, and one behind a committed entry, know what stands before them.
fn stamp(memory: &Memory) -> Stamp {
    if memory.head.pos == 0 || memory.head.position.is_some() {
        Stamp::Position
    } else {
        Stamp::PositionAfterPrevious
    }
}

/// The numbers by which an entry refers to others.
struct Numbers {
    auth: Vec<Rn>,
    by: Skid,
    rn: Option<Rn>,
}

impl Numbers {
    async fn of(memory: &mut Memory, batch: &mut Batch, entry: &NewEntry) -> Result<Self> {
        let pdu = &entry.pdu;
        Ok(Self {
            auth: auth_numbers(memory, pdu)?,
            by: state_key_number(memory, batch, "m.room.member", pdu.sender().as_str())?,
            rn: match pdu.state_key() {
                Some(state_key) => {
                    let old = replaced(memory, entry.sb, pdu.kind(), state_key).await?;
                    Some(state_event_number(memory, batch, pdu, old, None)?)
                }
                None => None,
            },
        })
    }
}

/// The state event that stands where a new one is to come.
async fn replaced(
    memory: &Memory,
    sb: Option<Group>,
    kind: &str,
    state_key: &str,
) -> Result<Option<Rn>> {
    match (memory.dag.skid(kind, state_key), sb) {
        (Some(skid), Some(sb)) => Ok(memory.state(sb).await?.get(&skid).copied()),
        _ => Ok(None),
    }
}

/// What an entry makes of the head.
struct Step {
    sa: Option<Group>,
    changes: Vec<Change>,
    flags: EventFlags,
    /// The head after the entry, which is not committed yet.
    head: Head,
}

impl Step {
    async fn of(
        memory: &mut Memory,
        batch: &mut Batch,
        env: &Env<'_>,
        entry: &NewEntry,
        numbers: &Numbers,
        sa: Option<Group>,
        groups: &mut NewGroups,
    ) -> Result<Self> {
        let pdu = &*entry.pdu;
        let old = memory.state(memory.head.cs).await?;
        let moves_head = entry.class == Class::Live && !entry.flags.soft;
        let mut fx = memory.head.fx.clone();
        let mut cs = memory.head.cs;
        if moves_head && let Some(sa) = sa {
            extend(memory, &mut fx, entry, sa).await?;
            cs = current_state(memory, batch, env, groups, &fx, sa).await?;
        }
        let new = memory.state(cs).await?;
        let changes = diff(&old, &new);
        let pos = memory.head.pos + 1;
        let partial = match entry.restart {
            true => entry.servers.clone().map(|servers| Partial {
                since: pos,
                servers,
            }),
            false => memory.head.partial.clone(),
        };
        let mut flags = entry.flags;
        flags.partial = partial.is_some();
        flags.div = moves_head && diverges(memory, &old, &new, numbers.rn);
        let deepest = fx.iter().map(|one| one.depth).max();
        let head = Head {
            pos,
            position: None,
            le: pdu.hash(),
            cs,
            counts: count(memory, pdu, &changes, flags, entry.class),
            depth: deepest.unwrap_or(pdu.depth()),
            u: env.now_ms.max(memory.head.u + 1),
            partial,
            corrected: memory.head.corrected,
            fx,
        };
        Ok(Self {
            sa,
            changes,
            flags,
            head,
        })
    }

    fn take(self, memory: &mut Memory) {
        let place = Place {
            sa: self.sa,
            soft: self.flags.soft,
        };
        memory.remember(self.head.le, place);
        memory.head = self.head;
    }
}

/// Makes an entry an extremity in place of what it refers to.
async fn extend(
    memory: &Memory,
    fx: &mut Vec<Extremity>,
    entry: &NewEntry,
    sa: Group,
) -> Result<()> {
    let pdu = &*entry.pdu;
    if entry.restart {
        fx.clear();
    } else {
        drop_ancestors(memory, fx, pdu).await?;
    }
    fx.push(Extremity {
        pos: memory.head.pos + 1,
        sa,
        hash: pdu.hash(),
        reference: Reference::to(pdu),
        depth: pdu.depth(),
    });
    limit_extremities(fx);
    Ok(())
}

fn entry_doc(
    memory: &Memory,
    entry: NewEntry,
    numbers: Numbers,
    step: &Step,
    groups: NewGroups,
    (cd, cd_pages): (Option<Blob>, Vec<i64>),
) -> EntryDoc {
    let pdu = &*entry.pdu;
    let rules = memory.rules();
    let tk = match entry.class {
        _ if is_dummy(pdu) => None,
        Class::Live if !step.flags.soft => Some(TimelineKey::live(memory.head.pos + 1)),
        _ => entry.tk,
    };
    let prev = pdu.prev_events().iter();
    EntryDoc {
        rid: memory.rid as i64,
        le: Blob(pdu.hash().to_vec()),
        tk: tk.map(|tk| Blob(tk.as_bytes().to_vec())),
        cls: entry.class as i32,
        gap: (entry.class == Class::Live && step.flags.gap).then_some(true),
        flags: step.flags.to_bits(),
        out: step.flags.out.then_some(true),
        kind: pdu.kind().to_owned(),
        state_key: pdu.state_key().map(str::to_owned),
        by: i64::from(numbers.by),
        rn: numbers.rn.map(i64::from),
        body: numbers.rn.is_none().then(|| Blob(pdu.to_bytes())),
        auth: pack(numbers.auth),
        prev: Blob(prev.flat_map(|id| event_hash(id, rules)).collect()),
        sb: entry.sb,
        sa: step.sa,
        ng: groups.docs,
        cd: (!step.changes.is_empty()).then_some(cd).flatten(),
        cd_pages,
        ov: entry.servers.as_deref().map(pack_servers),
        rel: Relation::of(pdu).map(|relation| RelationDoc {
            hash: Blob(event_hash(&relation.target, rules).to_vec()),
            kind: relation.kind,
        }),
        tx: entry.tx,
        rc: entry.rc,
        ts: pdu.origin_server_ts(),
        w: None,
        s: None,
        pw: memory.head.position,
        h: head_doc(&step.head, &memory.head.le),
    }
}

/// The stored form of the head that an entry leaves behind; `before` is the hash of the one before.
fn head_doc(head: &Head, before: &Hash) -> HeadDoc {
    let extremity = |one: &Extremity| ExtremityDoc {
        pos: one.pos as i64,
        sa: one.sa,
    };
    HeadDoc {
        prev8: Blob(before[..8].to_vec()),
        fx: head.fx.iter().map(extremity).collect(),
        cs: head.cs,
        depth: head.depth,
        u: head.u,
        n: head.counts,
        ov: head.corrected.map(|pos| pos as i64),
        pj: head.partial.as_ref().map(|partial| partial.since as i64),
    }
}
