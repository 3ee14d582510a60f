//! Events of other servers.
//!
//! The checks on receipt of a PDU
//! (<https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu>):
//! 1 (format), 2 (signatures) and 3 (hash) are done by the caller, who has the keys.
//! 4: [`check_auth_events`], 5: [`check_state_before`], 6: [`check_current_state`].

use std::{collections::HashMap, sync::Arc};

use gantry_model::{Pdu, id::OwnedEventId, pdu::event_hash};
use gantry_state_res::{Rejection, Rn, StateMap, auth};
use gantry_store::{Batch, Position};

use crate::{
    Error, EventFlags, NewEvent, Result,
    codec::{Class, Group, Hash},
    commit::{
        Env, NewEntry, NewGroups, append, import_group, keep_aside, merge, state_event_number,
    },
    draft::allowed,
    load::place_of,
    memory::Memory,
    partial::with_members_of,
    state::EMPTY,
};

/// How an event came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// In a transaction.
    Transaction,
    /// Fetched because a later event names it.
    MissingPrev,
    /// Handed over by a server that joins, leaves or knocks through us: we relay it.
    Handshake,
    /// Drafted by us, signed by another server too (an invite).
    Local,
    /// In a transaction or because a later event names it, and the room's policy server does not
    /// recommend it: it is soft-failed.
    NotRecommended,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ingested {
    /// It is in the log.
    Accepted(Position),
    /// It was there already.
    Known,
    /// It is in the log, but nobody sees it.
    SoftFailed,
    /// The rules forbid it.
    Rejected(Rejection),
    /// It refers to events that are not here; the caller fetches them and asks again.
    Missing {
        /// Previous events.
        prev: Vec<OwnedEventId>,
        /// Auth events.
        auth: Vec<OwnedEventId>,
    },
}

/// The verdict on an event while its commit is still to come.
pub(crate) enum Verdict {
    /// Appended; the position follows.
    Appended { soft: bool },
    /// Nothing to wait for.
    Done(Ingested),
    /// Kept aside as rejected.
    Rejected(Rejection),
}

/// A state that another server vouches for, signatures and hashes checked.
#[derive(Debug, Clone, Default)]
pub struct GivenState {
    /// The state.
    pub state: Vec<Arc<Pdu>>,
    /// What authorizes it.
    pub auth_chain: Vec<Arc<Pdu>>,
}

/// Takes an event in. `wanted`: a local user wants it, and it was drafted before.
pub(crate) async fn ingest(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    pdu: Arc<Pdu>,
    arrival: Arrival,
    given: Option<&GivenState>,
    wanted: Option<&NewEvent>,
) -> Result<Verdict> {
    let hash = pdu.hash();
    if place_of(memory, &hash).await?.is_some() {
        return Ok(Verdict::Done(Ingested::Known));
    }
    let mut given_state = None;
    if let Some(given) = given {
        given_state = Some(add_given(memory, batch, given)?);
    }
    let missing_auth = missing_auth_events(memory, &pdu);
    let mut groups = NewGroups {
        pos: memory.head.pos + 1,
        docs: Vec::new(),
    };
    let before = state_before(memory, batch, env, &mut groups, &pdu).await?;
    let (sb, gap) = match (before, given_state) {
        (StateBefore::Known(group), _) if missing_auth.is_empty() => (group, false),
        (StateBefore::Missing(_), Some(state)) if missing_auth.is_empty() => (
            import_group(memory, batch, env, &mut groups, &state).await?,
            true,
        ),
        (StateBefore::Missing(prev), _) => {
            return Ok(Verdict::Done(Ingested::Missing {
                prev,
                auth: missing_auth,
            }));
        }
        (StateBefore::Known(_), _) => {
            let missing = Ingested::Missing {
                prev: Vec::new(),
                auth: missing_auth,
            };
            return Ok(Verdict::Done(missing));
        }
    };
    if let Err(rejection) = check_auth_events(memory, &pdu) {
        return reject(memory, batch, &pdu, rejection).await;
    }
    let state = memory.state(sb).await?;
    if let Err(rejection) = check_state_before(memory, &state, &pdu) {
        return reject(memory, batch, &pdu, rejection).await;
    }
    let refused = match &memory.head.partial {
        None => check_current_state(memory, &pdu).await?.err(),
        // What is missing there may be what allows it.
        Some(_) => None,
    };
    if let (Some(_), Some(rejection)) = (wanted, refused) {
        // What one of our users sends is not soft-failed: he is told.
        return Err(Error::Rejected(rejection));
    }
    let soft = refused.is_some() || arrival == Arrival::NotRecommended;
    let flags = EventFlags {
        soft,
        gap,
        out: matches!(arrival, Arrival::Handshake | Arrival::Local),
        local: arrival == Arrival::Local,
        ..EventFlags::default()
    };
    let entry = NewEntry {
        pdu,
        class: Class::Live,
        flags,
        sb: Some(sb),
        tk: None,
        tx: wanted.map(|event| env.txn(&event.sender, event.txn.as_ref())),
        rc: wanted.and_then(|event| event.rc.clone()),
        restart: false,
        servers: None,
    };
    append(memory, batch, env, entry, groups).await?;
    Ok(Verdict::Appended { soft })
}

async fn reject(
    memory: &mut Memory,
    batch: &mut Batch,
    pdu: &Arc<Pdu>,
    rejection: Rejection,
) -> Result<Verdict> {
    keep_aside(memory, batch, pdu, Some(rejection.to_string())).await?;
    Ok(Verdict::Rejected(rejection))
}

/// Check 4: the event passes the rules on the state that its own auth events make up.
fn check_auth_events(memory: &Memory, pdu: &Pdu) -> Result<(), Rejection> {
    let numbers = auth_event_numbers(memory, pdu);
    let events: Vec<_> = numbers
        .iter()
        .filter_map(|rn| memory.dag.get(*rn))
        .collect();
    let references: Vec<_> = events
        .iter()
        .map(|event| auth::AuthEventRef {
            pdu: &event.pdu,
            rejected: event.rejected,
        })
        .collect();
    auth::check_auth_events(pdu, &references)?;
    let state: StateMap = events.iter().map(|event| (event.skid, event.rn)).collect();
    allowed(memory, &state, pdu)
}

/// Check 5: the event passes the rules on the state before it.
fn check_state_before(memory: &Memory, state: &StateMap, pdu: &Pdu) -> Result<(), Rejection> {
    match &memory.head.partial {
        None => allowed(memory, state, pdu),
        Some(_) => allowed(memory, &with_members_of(memory, state, pdu), pdu),
    }
}

/// Check 6: the event passes the rules on the current state; if not, it is soft-failed.
async fn check_current_state(memory: &Memory, pdu: &Pdu) -> Result<Result<(), Rejection>> {
    let state = memory.state(memory.head.cs).await?;
    Ok(allowed(memory, &state, pdu))
}

fn auth_event_numbers(memory: &Memory, pdu: &Pdu) -> Vec<Rn> {
    let find = |id: &OwnedEventId| memory.dag.find(&event_hash(id, memory.rules()));
    pdu.auth_events().iter().filter_map(find).collect()
}

fn missing_auth_events(memory: &Memory, pdu: &Pdu) -> Vec<OwnedEventId> {
    let is_missing =
        |id: &&OwnedEventId| memory.dag.find(&event_hash(id, memory.rules())).is_none();
    pdu.auth_events()
        .iter()
        .filter(is_missing)
        .cloned()
        .collect()
}

/// The state before an event, or why it is not known.
pub(crate) enum StateBefore {
    Known(Group),
    Missing(Vec<OwnedEventId>),
}

/// The state before an event: that after its previous events, resolved if they differ.
pub(crate) async fn state_before(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    groups: &mut NewGroups,
    pdu: &Pdu,
) -> Result<StateBefore> {
    let mut sides: Vec<Group> = Vec::new();
    let mut missing = Vec::new();
    for id in pdu.prev_events() {
        match sides_after(memory, &event_hash(id, memory.rules())).await? {
            Some(found) => sides.extend(found),
            None => missing.push(id.clone()),
        }
    }
    if !missing.is_empty() {
        return Ok(StateBefore::Missing(missing));
    }
    if sides.is_empty() {
        return Ok(StateBefore::Known(EMPTY));
    }
    sides.sort_unstable();
    sides.dedup();
    if let [only] = sides[..] {
        return Ok(StateBefore::Known(only));
    }
    let preferred = memory.head.cs;
    Ok(StateBefore::Known(
        merge(memory, batch, env, groups, &sides, preferred).await?,
    ))
}

/// The groups after an event. A rejected one has those of its own previous events.
async fn sides_after(memory: &Memory, hash: &Hash) -> Result<Option<Vec<Group>>> {
    const MOST: usize = 100;
    let mut sides = Vec::new();
    let mut wave = vec![*hash];
    let mut looked_at = 0;
    while let Some(hash) = wave.pop() {
        looked_at += 1;
        if looked_at > MOST {
            return Ok(None);
        }
        if let Some(place) = place_of(memory, &hash).await? {
            match place.sa {
                Some(sa) => sides.push(sa),
                None => return Ok(None),
            }
            continue;
        }
        match rejected_event(memory, &hash).await? {
            Some(prev) => wave.extend(prev),
            None => return Ok(None),
        }
    }
    Ok(Some(sides))
}

/// The previous events of a rejected event; `None` if there is no rejected event of that hash.
pub(crate) async fn rejected_event(memory: &Memory, hash: &Hash) -> Result<Option<Vec<Hash>>> {
    if let Some(before) = memory.rejected(hash) {
        return Ok(Some(before.to_vec()));
    }
    let rules = memory.rules();
    let pdu = match memory.dag.find(hash).and_then(|rn| memory.dag.get(rn)) {
        Some(event) if event.rejected => Some(Arc::clone(&event.pdu)),
        Some(_) => None,
        None => crate::view::outlier(&memory.store, memory.rid, memory.version, hash)
            .await?
            .filter(|(_, rejected)| *rejected)
            .map(|(pdu, _)| Arc::new(pdu)),
    };
    Ok(pdu.map(|pdu| {
        pdu.prev_events()
            .iter()
            .map(|id| event_hash(id, rules))
            .collect()
    }))
}

/// Stores the events of a state that another server gave, each after those that authorize it, and
/// returns the state that the accepted ones make up.
pub(crate) fn add_given(
    memory: &mut Memory,
    batch: &mut Batch,
    given: &GivenState,
) -> Result<StateMap> {
    let state: Vec<Hash> = given.state.iter().map(|pdu| pdu.hash()).collect();
    add_outliers(memory, batch, given.auth_chain.iter().chain(&given.state))?;
    Ok(state
        .iter()
        .filter_map(|hash| memory.dag.get(memory.dag.find(hash)?))
        .filter(|event| !event.rejected)
        .map(|event| (event.skid, event.rn))
        .collect())
}

/// Stores state events that are in no log, in the order of their authorization. Those whose auth
/// events are missing are left out.
pub(crate) fn add_outliers<'a>(
    memory: &mut Memory,
    batch: &mut Batch,
    pdus: impl Iterator<Item = &'a Arc<Pdu>>,
) -> Result<()> {
    for pdu in in_auth_order(memory, pdus) {
        if memory.dag.find(&pdu.hash()).is_some() || pdu.state_key().is_none() {
            continue;
        }
        if pdu.room_id() != memory.room_id || !missing_auth_events(memory, pdu).is_empty() {
            continue;
        }
        let rejection = check_auth_events(memory, pdu)
            .err()
            .map(|error| error.to_string());
        state_event_number(memory, batch, pdu, None, rejection)?;
    }
    Ok(())
}

/// Sorts events so that each comes after its auth events. Cycles cannot be: ids are hashes; where
/// they are not (versions 1 and 2), events of a cycle are left out.
fn in_auth_order<'a>(
    memory: &Memory,
    pdus: impl Iterator<Item = &'a Arc<Pdu>>,
) -> Vec<&'a Arc<Pdu>> {
    let rules = memory.rules();
    let mut events: HashMap<Hash, &Arc<Pdu>> = pdus.map(|pdu| (pdu.hash(), pdu)).collect();
    let mut waiting: HashMap<Hash, Vec<Hash>> = HashMap::new();
    let mut open: HashMap<Hash, usize> = HashMap::new();
    for (hash, pdu) in &events {
        let needed: Vec<Hash> = pdu
            .auth_events()
            .iter()
            .map(|id| event_hash(id, rules))
            .filter(|needed| events.contains_key(needed))
            .collect();
        open.insert(*hash, needed.len());
        for one in needed {
            waiting.entry(one).or_default().push(*hash);
        }
    }
    let mut ready: Vec<Hash> = open
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(hash, _)| *hash)
        .collect();
    // The order among unrelated events does not matter; a fixed one makes logs comparable. But the
    // create event comes first (last of a stack): from version 12 on nobody names it.
    let is_create = |hash: &Hash| {
        events
            .get(hash)
            .is_some_and(|pdu| pdu.kind() == "m.room.create")
    };
    ready.sort_unstable_by_key(|hash| (is_create(hash), std::cmp::Reverse(*hash)));
    let mut sorted = Vec::with_capacity(events.len());
    while let Some(hash) = ready.pop() {
        for next in waiting.remove(&hash).unwrap_or_default() {
            if let Some(count) = open.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.push(next);
                }
            }
        }
        sorted.extend(events.remove(&hash));
    }
    sorted
}
