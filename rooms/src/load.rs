//! Loading a room's memory from its log.

use std::{ops::Bound, pin::pin, sync::Arc};

use futures::TryStreamExt as _;
use gantry_model::{RoomVersion, id::OwnedRoomId, pdu::Reference};
use gantry_state_res::{AuthEvent, Rn};
use gantry_store::{Key, Scan, Store, schema::ROOM};

use crate::{
    Error, EventFlags, Result,
    codec::{
        EntryDoc, Hash, KIND_KEY, KIND_STATE, KeyDoc, StateDoc, entry_key, hash_of, number,
        restore, unpack,
    },
    memory::{Dag, Extremity, Head, Memory, Place},
    pages::Pages,
    partial,
    redaction::load_redacted,
    state::StateCache,
};

/// Documents that are read at once: memory holds the room, not its documents beside it.
const AT_ONCE: usize = 1_000;
/// So many pages of state events are parsed at the same time, while the next is read.
const PARSED_AT_ONCE: usize = 4;
/// So many state events are parsed on the spot; more of them on a thread that may take its time.
const FEW: usize = 50;

/// Loads a room. Two round trips for its events and its end, one for its extremities.
pub(crate) async fn load(
    store: &Store,
    rid: u64,
    room_id: OwnedRoomId,
    version: RoomVersion,
    cache: Arc<StateCache>,
) -> Result<Memory> {
    let mut memory = Memory::new(rid, room_id, version, store.clone(), cache);
    refresh(&mut memory).await?;
    Ok(memory)
}

/// Takes in what is stored beyond a room's memory, which must not run ahead of it: state events, also
/// those that no entry stands for, and the end of the log. False: the log ends where it did.
pub(crate) async fn refresh(memory: &mut Memory) -> Result<bool> {
    let end = Scan::range(
        Bound::Included(entry_key(memory.rid, 0)),
        Bound::Included(entry_key(memory.rid, u64::MAX)),
    );
    let store = memory.store.clone();
    let last = store.scan::<EntryDoc>(ROOM, end.reverse().limit(2)).await?;
    let mut dag = memory.dag.clone();
    extend_dag(&store, memory.rid, memory.version, &mut dag).await?;
    memory.set_events(dag);
    let Some((last_key, entry)) = last.first() else {
        return Ok(false);
    };
    let pos = number(last_key)?;
    if pos == memory.head.pos {
        return Ok(false);
    }
    check_chain(pos, entry, last.get(1))?;
    memory.corrections = partial::load_corrections(memory, &entry.h).await?;
    memory.head = load_head(memory, pos, entry).await?;
    if memory.head.counts.red > 0 {
        load_redacted(memory).await?;
    }
    Ok(true)
}

/// All state keys and state events of a room.
pub(crate) async fn load_dag(store: &Store, rid: u64, version: RoomVersion) -> Result<Dag> {
    let mut dag = Dag::default();
    extend_dag(store, rid, version, &mut dag).await?;
    Ok(dag)
}

/// The state keys and state events of a room that are stored beyond those that are known.
async fn extend_dag(store: &Store, rid: u64, version: RoomVersion, dag: &mut Dag) -> Result<()> {
    let known = u64::from(dag.key_count());
    let mut keys = Pages::<KeyDoc>::of_room_from(store, rid, KIND_KEY, known, AT_ONCE);
    while let Some(page) = keys.next().await? {
        for (doc_key, doc) in page {
            if u64::from(dag.key_count()) != number(&doc_key)? {
                return Err(Error::Broken("state keys are not dense"));
            }
            dag.push_key(&doc.kind, &doc.state_key);
        }
    }
    let known = u64::from(dag.len());
    let bodies = Pages::<StateDoc>::of_room_from(store, rid, KIND_STATE, known, AT_ONCE);
    let parsed = bodies.stream().map_ok(|page| parse(page, version));
    let mut parsed = pin!(parsed.try_buffered(PARSED_AT_ONCE));
    while let Some(events) = parsed.try_next().await? {
        for Loaded { hash, event, old } in events {
            let rn = event.rn;
            if rn != dag.len() {
                return Err(Error::Broken("state events are not dense"));
            }
            dag.push(hash, event);
            if let Some(old) = old {
                dag.set_replaced(rn, old);
            }
        }
    }
    Ok(())
}

/// What a row `S` holds.
struct Loaded {
    hash: Hash,
    event: AuthEvent,
    old: Option<Rn>,
}

/// The events of a page.
async fn parse(page: Vec<(Key, StateDoc)>, version: RoomVersion) -> Result<Vec<Loaded>> {
    let is_few = page.len() <= FEW;
    let parse = move || {
        page.iter()
            .map(|(key, doc)| event(key, doc, version))
            .collect()
    };
    if is_few {
        return parse();
    }
    let parsed = tokio::task::spawn_blocking(parse).await;
    parsed.expect("parsing does not panic")
}

fn event(key: &Key, doc: &StateDoc, version: RoomVersion) -> Result<Loaded> {
    let rn = Rn::try_from(number(key)?).map_err(|_| Error::Broken("too many state events"))?;
    let hash = hash_of(&doc.be)?;
    let pdu = Arc::new(restore(&doc.body, version, &hash)?);
    let auth = unpack(&doc.auth).collect();
    let event = AuthEvent::new(pdu, rn, doc.skid as u32, auth, doc.rej.is_some());
    let old = doc.old.map(|old| old as Rn);
    Ok(Loaded { hash, event, old })
}

/// The last two entries must be neighbors and chained (I7).
fn check_chain(pos: u64, entry: &EntryDoc, before: Option<&(Vec<u8>, EntryDoc)>) -> Result<()> {
    match before {
        None if pos == 1 => Ok(()),
        Some((key, before))
            if number(key)? + 1 == pos && before.hash()?[..8] == entry.h.prev8.0[..] =>
        {
            Ok(())
        }
        _ => Err(Error::Broken("the log is not dense")),
    }
}

async fn load_head(memory: &mut Memory, pos: u64, entry: &EntryDoc) -> Result<Head> {
    let keys: Vec<_> = entry
        .h
        .fx
        .iter()
        .map(|one| entry_key(memory.rid, one.pos as u64))
        .collect();
    let mut fx = Vec::with_capacity(keys.len());
    let found = memory.store.multi_get::<EntryDoc>(ROOM, &keys).await?;
    for (extremity, found) in entry.h.fx.iter().zip(found) {
        let found = found.ok_or(Error::Broken("an extremity is missing"))?;
        let hash = found.hash()?;
        let pdu = memory.dag.event_of(&found, memory.version)?;
        memory.remember(
            hash,
            Place {
                sa: Some(extremity.sa),
                soft: false,
            },
        );
        fx.push(Extremity {
            pos: extremity.pos as u64,
            sa: extremity.sa,
            hash,
            reference: Reference::to(&pdu),
            depth: pdu.depth(),
        });
    }
    let partial = partial::load_partial(memory, &entry.h).await?;
    Ok(Head {
        pos,
        position: Some(entry.position()?),
        le: entry.hash()?,
        fx,
        cs: entry.h.cs,
        depth: entry.h.depth,
        u: entry.h.u,
        counts: entry.h.n,
        partial,
        corrected: entry.h.ov.map(|pos| pos as u64),
    })
}

/// Where the entry of a hash is in the log, from memory or from the index.
pub(crate) async fn place_of(memory: &Memory, hash: &Hash) -> Result<Option<Place>> {
    if let Some(place) = memory.recent(hash) {
        return Ok(Some(place));
    }
    let found = find_entry(&memory.store, memory.rid, hash).await?;
    Ok(found.map(|(pos, entry)| {
        let place = Place {
            sa: entry.sa,
            soft: EventFlags::from_bits(entry.flags).soft,
        };
        partial::corrected(&memory.corrections, pos, place)
    }))
}

/// The entry of a hash, without its heavy fields.
pub(crate) async fn find_entry(
    store: &Store,
    rid: u64,
    hash: &Hash,
) -> Result<Option<(u64, EntryDoc)>> {
    let scan = Scan::index("le", vec![(rid as i64).into(), binary(hash)])
        .limit(1)
        .light();
    match store.scan::<EntryDoc>(ROOM, scan).await?.pop() {
        Some((entry_key, entry)) => Ok(Some((number(&entry_key)?, entry))),
        None => Ok(None),
    }
}

/// Bytes as a value to look an index up with.
pub(crate) fn binary(bytes: &[u8]) -> gantry_store::bson::Bson {
    gantry_store::bson::Bson::Binary(gantry_store::bson::Binary {
        subtype: gantry_store::bson::spec::BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    })
}
