//! New rooms: the create event and all that follows it in one chain.

use std::sync::Arc;

use gantry_model::{
    Object, Pdu, PduDraft,
    id::{RoomId, UserId},
};
use gantry_store::Batch;

use crate::{
    Error, EventFlags, Identity, NewEvent, Result,
    codec::Class,
    commit::{Env, NewEntry, NewGroups, append},
    draft::sign,
    memory::Memory,
    state::EMPTY,
};

/// What a new room begins with.
#[derive(Debug, Clone)]
pub(crate) struct Beginning {
    pub(crate) create: Arc<Pdu>,
    pub(crate) events: Vec<NewEvent>,
}

/// Makes the create event of a room. Its room id is a new one, or the event's own hash.
pub(crate) fn create_event(
    env: &Env<'_>,
    identity: &Identity,
    version: gantry_model::RoomVersion,
    creator: &UserId,
    content: Object,
) -> Result<Pdu> {
    let rules = version.rules();
    let room_id = if rules.room_id_is_create_hash {
        None
    } else {
        let id = format!("!{}:{}", env.rng.alphanumeric(18), identity.server_name());
        Some(RoomId::parse(id).map_err(|_| Error::Inconsistent("the room id is malformed"))?)
    };
    let draft = PduDraft {
        room_id,
        sender: creator.to_owned(),
        kind: "m.room.create".to_owned(),
        state_key: Some(String::new()),
        content,
        redacts: None,
        prev_events: Vec::new(),
        auth_events: Vec::new(),
        depth: 1,
        origin_server_ts: env.now_ms,
        id_localpart: env.rng.alphanumeric(18),
    };
    let pdu = draft.sign(identity.server_name(), identity.key(), rules)?;
    gantry_state_res::auth::check(&pdu, &|_, _| None).map_err(Error::Rejected)?;
    Ok(pdu)
}

/// Appends the create event and the events after it to an empty room; [`Error::RoomExists`] if it
/// is not empty.
pub(crate) async fn begin(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    identity: &Identity,
    beginning: &Beginning,
) -> Result<()> {
    if memory.head.pos > 0 {
        return Err(Error::RoomExists);
    }
    append_own(memory, batch, env, Arc::clone(&beginning.create), None).await?;
    for event in &beginning.events {
        let pdu = sign(memory, env, identity, event).await?;
        append_own(memory, batch, env, pdu, Some(event)).await?;
    }
    Ok(())
}

/// Appends an event that we have just drafted on top of the current state.
pub(crate) async fn append_own(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    pdu: Arc<Pdu>,
    event: Option<&NewEvent>,
) -> Result<()> {
    let sb = if memory.head.pos == 0 {
        EMPTY
    } else {
        memory.head.cs
    };
    let entry = NewEntry {
        class: Class::Live,
        flags: EventFlags {
            out: true,
            local: true,
            ..EventFlags::default()
        },
        sb: Some(sb),
        tk: None,
        tx: Some(env.txn(pdu.sender(), event.and_then(|event| event.txn.as_ref()))),
        rc: event.and_then(|event| event.rc.clone()),
        restart: false,
        servers: None,
        pdu,
    };
    let groups = NewGroups::next(memory);
    append(memory, batch, env, entry, groups).await
}
