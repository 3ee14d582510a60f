//! From what a local user wants to a PDU: previous events, auth events, depth, signature.

use std::sync::Arc;

use gantry_model::{
    Object, Pdu, PduDraft, RoomVersion,
    id::{OwnedEventId, OwnedUserId},
    pdu::{MAX_PREV_EVENTS, Reference},
};
use gantry_state_res::{StateMap, auth};

use crate::{Error, Identity, Result, Txn, commit::Env, memory::Memory};

/// An event that a local user wants to happen.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// The sender.
    pub sender: OwnedUserId,
    /// The event type.
    pub kind: String,
    /// The state key; `None` for an event that is not a state event.
    pub state_key: Option<String>,
    /// The content.
    pub content: Object,
    /// What a redaction aims at; it is put where the room version wants it.
    pub redacts: Option<OwnedEventId>,
    /// The client's request, so that its repetition is harmless.
    pub txn: Option<Txn>,
    /// The Rocket.Chat message id that the client chose, unique on the server.
    pub rc: Option<String>,
    /// Another time than now, in milliseconds (application services, imports).
    pub origin_server_ts: Option<i64>,
    /// The event as it was drafted before, and signed by another server since: it is not drafted
    /// anew.
    pub drafted: Option<Arc<Pdu>>,
}

impl NewEvent {
    /// An event that is not a state event.
    pub fn message(sender: OwnedUserId, kind: impl Into<String>, content: Object) -> Self {
        Self {
            sender,
            kind: kind.into(),
            state_key: None,
            content,
            redacts: None,
            txn: None,
            rc: None,
            origin_server_ts: None,
            drafted: None,
        }
    }

    /// A state event.
    pub fn state(
        sender: OwnedUserId,
        kind: impl Into<String>,
        state_key: impl Into<String>,
        content: Object,
    ) -> Self {
        Self {
            state_key: Some(state_key.into()),
            ..Self::message(sender, kind, content)
        }
    }

    /// The same event as the outcome of a request.
    #[must_use]
    pub fn with_txn(mut self, txn: Txn) -> Self {
        self.txn = Some(txn);
        self
    }
}

/// An event for another server to finish: what `make_join` and its like answer.
#[derive(Debug, Clone)]
pub struct Template {
    /// The event without hashes and signatures.
    pub object: Object,
    /// The room's version.
    pub version: RoomVersion,
}

/// Makes the draft of an event at the room's current end.
pub(crate) async fn draft(memory: &Memory, env: &Env<'_>, event: &NewEvent) -> Result<PduDraft> {
    let state = memory.state(memory.head.cs).await?;
    let auth_events = select_auth_events(memory, &state, event);
    let mut fx: Vec<_> = memory.head.fx.iter().collect();
    fx.sort_by_key(|one| std::cmp::Reverse((one.depth, one.pos)));
    fx.truncate(MAX_PREV_EVENTS);
    let depth = memory
        .head
        .depth
        .saturating_add(1)
        .min(gantry_model::canonical_json::MAX_INT);
    let is_create = event.kind == "m.room.create";
    let room_id =
        (!(is_create && memory.rules().room_id_is_create_hash)).then(|| memory.room_id.clone());
    Ok(PduDraft {
        room_id,
        sender: event.sender.clone(),
        kind: event.kind.clone(),
        state_key: event.state_key.clone(),
        content: event.content.clone(),
        redacts: event.redacts.clone(),
        prev_events: fx.into_iter().map(|one| one.reference.clone()).collect(),
        auth_events,
        depth,
        origin_server_ts: event.origin_server_ts.unwrap_or(env.now_ms),
        id_localpart: env.rng.alphanumeric(18),
    })
}

fn select_auth_events(memory: &Memory, state: &StateMap, event: &NewEvent) -> Vec<Reference> {
    auth::auth_types(
        &event.kind,
        &event.sender,
        event.state_key.as_deref(),
        &event.content,
        memory.rules(),
    )
    .iter()
    .filter_map(|(kind, state_key)| memory.dag.state_event(state, kind, state_key))
    .map(|pdu| Reference::to(&pdu))
    .collect()
}

/// Drafts and signs an event and checks it against the current state. Returns it with the group
/// that is the state before it.
pub(crate) async fn sign(
    memory: &Memory,
    env: &Env<'_>,
    identity: &Identity,
    event: &NewEvent,
) -> Result<Arc<Pdu>> {
    let draft = draft(memory, env, event).await?;
    let pdu = draft.sign(identity.server_name(), identity.key(), memory.rules())?;
    authorize(memory, memory.head.cs, &pdu).await?;
    Ok(Arc::new(pdu))
}

/// Checks an event against the state of a group.
pub(crate) async fn authorize(
    memory: &Memory,
    group: crate::codec::Group,
    pdu: &Pdu,
) -> Result<()> {
    let state = memory.state(group).await?;
    allowed(memory, &state, pdu).map_err(Error::Rejected)
}

/// Whether a state allows an event. The create event is always known.
pub(crate) fn allowed(
    memory: &Memory,
    state: &StateMap,
    pdu: &Pdu,
) -> Result<(), gantry_state_res::Rejection> {
    use gantry_state_res::EventSource as _;
    auth::check(pdu, &|kind, state_key| {
        let found = memory.dag.state_event(state, kind, state_key);
        if found.is_none() && kind == "m.room.create" {
            return memory.dag.create().and_then(|rn| memory.dag.pdu(rn));
        }
        found
    })
}
