//! The only writer of rooms: turns an authorized event into one log entry with everything that
//! stands with it (state key names, bodies, groups, pages, membership rows) and adds it to a batch.
//!
//! The order inside a batch is `[K.., S.., G.., L, membership rows]`: `L` is the commit point, what
//! has no `L` is an outlier or garbage. See `event-log`, sections 2 to 5.

use std::sync::Arc;

use gantry_model::{Pdu, Value, id::UserId, pdu::Reference};
use gantry_state_res::{AuthEvent, Rn, Skid, StateMap, resolve};
use gantry_store::{Batch, Blob, Key, Stamp, schema::ROOM, to_document};

use crate::{
    Error, EventFlags, Relation, Result, TimelineKey, Txn,
    codec::{
        Change, Class, Counts, EntryDoc, ExtremityDoc, Group, GroupDoc, Hash, HeadDoc, KIND_KEY,
        KIND_LOG, KIND_OUTLIER, KIND_PAGE, KIND_STATE, KeyDoc, MAX_INLINE, MAX_PAGE, OutlierDoc,
        PageDoc, RelationDoc, StateDoc, TxnDoc, key, number, pack, pack_changes,
    },
    ingest::rejected_event,
    members::membership_rows,
    memory::{Extremity, Memory, Place, key_hash},
    state::{diff, set},
};
use gantry_state_res::EventSource;

/// The most forward extremities that a head keeps.
pub(crate) const MAX_EXTREMITIES: usize = 64;

/// Events that were looked for among the extremities, or behind hidden ones, at most.
pub(crate) const MAX_HIDDEN: usize = 100;

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
    let pdu = Arc::clone(&entry.pdu);
    let pos = memory.head.pos + 1;
    let hash = pdu.hash();
    let auth = auth_numbers(memory, &pdu)?;
    let by = state_key_number(memory, batch, "m.room.member", pdu.sender().as_str())?;
    let rn = match pdu.state_key() {
        Some(_) => Some(state_event_number(memory, batch, &pdu, None)?),
        None => None,
    };
    let sa = match (entry.sb, rn) {
        (Some(sb), Some(rn)) => Some(state_after(memory, batch, env, &mut groups, sb, rn).await?),
        (sb, _) => sb,
    };
    let old = memory.group(memory.head.cs).await?;
    let mut flags = entry.flags;
    let moves_head = entry.class == Class::Live && !flags.soft;
    let mut fx = memory.head.fx.clone();
    let mut cs = memory.head.cs;
    if moves_head && let Some(sa) = sa {
        if entry.restart {
            fx.clear();
        } else {
            drop_ancestors(memory, &mut fx, &pdu).await?;
        }
        fx.push(Extremity {
            pos,
            sa,
            hash,
            reference: Reference::to(&pdu),
            depth: pdu.depth(),
        });
        limit_extremities(&mut fx);
        cs = current_state(memory, batch, env, &mut groups, &fx, sa).await?;
    }
    let new = memory.group(cs).await?;
    let changes = diff(&old.state, &new.state);
    flags.div = moves_head && diverges(memory, &old.state, &new.state, rn);
    let counts = count(
        memory,
        &memory.head.counts,
        &pdu,
        &changes,
        flags,
        entry.class,
    );
    let depth = fx.iter().map(|one| one.depth).max().unwrap_or(pdu.depth());
    let u = env.now_ms.max(memory.head.u + 1);
    let relation = Relation::of(&pdu);
    let tk = match entry.class {
        Class::Live if !flags.soft => Some(TimelineKey::live(pos)),
        _ => entry.tk,
    };
    let (cd, cd_pages) = spill(memory, batch, env, pack_changes(&changes))?;
    let first = memory.head.pos == 0;
    let doc = EntryDoc {
        rid: memory.rid as i64,
        le: Blob(hash.to_vec()),
        tk: tk.map(|tk| Blob(tk.as_bytes().to_vec())),
        cls: entry.class as i32,
        flags: flags.to_bits(),
        out: flags.out.then_some(true),
        kind: pdu.kind().to_owned(),
        state_key: pdu.state_key().map(str::to_owned),
        by: i64::from(by),
        rn: rn.map(i64::from),
        body: rn.is_none().then(|| Blob(pdu.to_bytes())),
        auth: pack(auth),
        prev: Blob(
            pdu.prev_events()
                .iter()
                .flat_map(|id| gantry_model::pdu::event_hash(id, memory.rules()))
                .collect(),
        ),
        sb: entry.sb,
        sa,
        ng: groups.docs,
        cd: (!changes.is_empty()).then_some(cd).flatten(),
        cd_pages,
        rel: relation.as_ref().map(|relation| RelationDoc {
            hash: Blob(gantry_model::pdu::event_hash(&relation.target, memory.rules()).to_vec()),
            kind: relation.kind.clone(),
        }),
        tx: entry.tx,
        rc: entry.rc,
        ts: pdu.origin_server_ts(),
        w: None,
        s: None,
        pw: memory.head.position,
        h: HeadDoc {
            prev8: Blob(memory.head.le[..8].to_vec()),
            fx: fx
                .iter()
                .map(|one| ExtremityDoc {
                    pos: one.pos as i64,
                    sa: one.sa,
                })
                .collect(),
            cs,
            depth,
            u,
            n: counts,
            ov: None,
        },
    };
    let stamp = if first || memory.head.position.is_some() {
        Stamp::Position
    } else {
        Stamp::PositionAfterPrevious
    };
    batch.insert_stamped(
        ROOM,
        key(memory.rid, KIND_LOG, pos),
        to_document(ROOM, &doc)?,
        stamp,
    );
    membership_rows(memory, batch, env, &changes, pos).await?;
    memory.local_joined += local_steps(memory, env, &changes);
    memory.remember(
        hash,
        Place {
            sa,
            soft: flags.soft,
        },
    );
    let head = &mut memory.head;
    head.pos = pos;
    head.position = None;
    head.le = hash;
    head.fx = fx;
    head.cs = cs;
    head.depth = depth;
    head.u = u;
    head.counts = counts;
    Ok(())
}

/// Stores a rejected event, or an outlier message: it is in no log.
pub(crate) async fn keep_aside(
    memory: &mut Memory,
    batch: &mut Batch,
    pdu: &Arc<Pdu>,
    rejection: Option<String>,
) -> Result<()> {
    if pdu.state_key().is_some() {
        state_event_number(memory, batch, pdu, rejection)?;
        return Ok(());
    }
    let hash = pdu.hash();
    let before = pdu.prev_events().iter();
    let before = before.map(|id| gantry_model::pdu::event_hash(id, memory.rules()));
    let before = before.collect();
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
    if batch
        .ops
        .iter()
        .any(|op| op.op.table() == ROOM && op.op.key() == key)
    {
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
                .find(&gantry_model::pdu::event_hash(id, memory.rules()))
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

/// The number of a state event; a new one is stored first. Its auth events must have numbers.
pub(crate) fn state_event_number(
    memory: &mut Memory,
    batch: &mut Batch,
    pdu: &Arc<Pdu>,
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
        rej: rejection.clone(),
    };
    batch.insert(
        ROOM,
        key(memory.rid, KIND_STATE, u64::from(rn)),
        to_document(ROOM, &doc)?,
    );
    let event = AuthEvent::new(Arc::clone(pdu), rn, skid, auth, rejection.is_some());
    memory.dag.push(hash, event);
    Ok(rn)
}

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
fn spill(
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

async fn state_after(
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
async fn current_state(
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
    let resolved = resolve(memory.rules(), &states, &memory.dag).state;
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

/// Takes the event's previous events out of the extremities, also those behind soft-failed ones.
async fn drop_ancestors(memory: &Memory, fx: &mut Vec<Extremity>, pdu: &Pdu) -> Result<()> {
    let rules = memory.rules();
    let mut wave: Vec<Hash> = pdu
        .prev_events()
        .iter()
        .map(|id| gantry_model::pdu::event_hash(id, rules))
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
fn limit_extremities(fx: &mut Vec<Extremity>) {
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

/// Whether applying the entry as a timeline event would not give the new current state.
fn diverges(memory: &Memory, old: &StateMap, new: &StateMap, rn: Option<Rn>) -> bool {
    let expected = match rn.and_then(|rn| memory.dag.get(rn)) {
        Some(event) => old.update(event.skid, event.rn),
        None => old.clone(),
    };
    !diff(&expected, new).is_empty()
}

/// By how many the joined members of this server grow.
fn local_steps(memory: &Memory, env: &Env<'_>, changes: &[Change]) -> i64 {
    let mut steps = 0;
    for (skid, old, new) in changes {
        let Some(("m.room.member", user)) = memory.dag.key(*skid) else {
            continue;
        };
        if !UserId::parse(user).is_ok_and(|user| (env.is_local)(&user)) {
            continue;
        }
        for (rn, step) in [(old, -1), (new, 1)] {
            let event = rn.and_then(|rn| memory.dag.get(rn));
            if event.and_then(|event| event.pdu.content_str("membership")) == Some("join") {
                steps += step;
            }
        }
    }
    steps
}

fn count(
    memory: &Memory,
    before: &Counts,
    pdu: &Pdu,
    changes: &[Change],
    flags: EventFlags,
    class: Class,
) -> Counts {
    let mut counts = *before;
    for (skid, old, new) in changes {
        if memory
            .dag
            .key(*skid)
            .is_none_or(|(kind, _)| kind != "m.room.member")
        {
            continue;
        }
        for (rn, step) in [(old, -1), (new, 1)] {
            let event = rn.and_then(|rn| memory.dag.get(rn));
            match event.and_then(|event| event.pdu.content_str("membership")) {
                Some("join") => counts.joined += step,
                Some("invite") => counts.invited += step,
                _ => {}
            }
        }
    }
    if class == Class::Live && !flags.soft && !flags.quiet {
        let relates = Relation::of(pdu);
        let kind = relates.as_ref().map(|relation| relation.kind.as_str());
        match (notifies(pdu, kind), kind) {
            (true, Some("m.thread")) => counts.thread += 1,
            (true, _) => counts.main += 1,
            (false, _) => {}
        }
        counts.all += i64::from(highlights_everyone(pdu));
        counts.red += i64::from(pdu.kind() == "m.room.redaction");
    }
    counts
}

/// Whether the default push rules notify of an event.
pub(crate) fn notifies(pdu: &Pdu, relation: Option<&str>) -> bool {
    let is_message = match pdu.kind() {
        "m.room.message" => pdu.content_str("msgtype") != Some("m.notice"),
        "m.room.encrypted" => true,
        _ => false,
    };
    is_message && pdu.state_key().is_none() && relation != Some("m.replace")
}

/// Whether an event highlights everyone: `@room`, or the end of the room.
pub(crate) fn highlights_everyone(pdu: &Pdu) -> bool {
    let mentions_room = pdu
        .content()
        .get("m.mentions")
        .and_then(Value::as_object)
        .and_then(|mentions| mentions.get("room"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    mentions_room || pdu.is_state("m.room.tombstone", "")
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
