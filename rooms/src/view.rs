//! A room at one moment.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use gantry_model::{
    Pdu, RoomVersion, RoomVersionRules,
    id::{EventId, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, UserId},
    pdu::event_hash,
};
use gantry_state_res::{EventSource as _, PowerLevels, Rn, StateMap};
use gantry_store::{Position, Scan, Store, schema::ROOM};

use crate::{
    Membership, Result, TimelineKey,
    codec::{Counts, Hash, OutlierDoc, hash_of, restore},
    load::binary,
    memory::{Dag, Memory, joined_users},
    partial::{Correction, Corrections, Partial},
};

/// A room at one moment: the state and the end of the log. Cheap to clone; nothing here does I/O.
#[derive(Debug, Clone)]
pub struct RoomView(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    room_id: OwnedRoomId,
    rid: u64,
    version: RoomVersion,
    dag: Dag,
    state: StateMap,
    pos: u64,
    position: Option<Position>,
    extremities: Vec<OwnedEventId>,
    depth: i64,
    updated_at: i64,
    counts: Counts,
    local_joined: i64,
    partial: Option<Partial>,
    corrections: Corrections,
    /// Found on first use.
    servers: OnceLock<Arc<BTreeSet<OwnedServerName>>>,
    /// Likewise.
    levels: OnceLock<Option<PowerLevels>>,
}

/// An event of a room's state.
#[derive(Debug, Clone)]
pub struct StateEvent {
    /// The event.
    pub pdu: Arc<Pdu>,
    /// The one that it replaced, if that is known.
    pub replaces: Option<Arc<Pdu>>,
    /// The redaction that took its content.
    pub redacted_because: Option<Arc<Pdu>>,
}

impl RoomView {
    pub(crate) fn new(memory: &Memory, state: StateMap) -> Self {
        let head = &memory.head;
        Self(Arc::new(Inner {
            room_id: memory.room_id.clone(),
            rid: memory.rid,
            version: memory.version,
            dag: memory.dag.clone(),
            state,
            pos: head.pos,
            position: head.position,
            extremities: head
                .fx
                .iter()
                .map(|one| one.reference.event_id.clone())
                .collect(),
            depth: head.depth,
            updated_at: head.u,
            counts: head.counts,
            local_joined: memory.local_joined,
            partial: head.partial.clone(),
            corrections: memory.corrections.clone(),
            servers: OnceLock::new(),
            levels: OnceLock::new(),
        }))
    }

    /// The same room with another state and end: as it was earlier.
    pub(crate) fn at(&self, state: StateMap, pos: u64, updated_at: i64, counts: Counts) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            room_id: inner.room_id.clone(),
            rid: inner.rid,
            version: inner.version,
            dag: inner.dag.clone(),
            state,
            pos,
            position: inner.position,
            extremities: inner.extremities.clone(),
            depth: inner.depth,
            updated_at,
            counts,
            local_joined: inner.local_joined,
            partial: inner.partial.clone(),
            corrections: inner.corrections.clone(),
            servers: OnceLock::new(),
            levels: OnceLock::new(),
        }))
    }

    /// The room's id.
    pub fn room_id(&self) -> &RoomId {
        &self.0.room_id
    }

    /// The room's number, which no other room of this store ever gets.
    pub fn number(&self) -> u64 {
        self.0.rid
    }

    pub(crate) fn rid(&self) -> u64 {
        self.0.rid
    }

    pub(crate) fn pos(&self) -> u64 {
        self.0.pos
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.0.position
    }

    pub(crate) fn dag(&self) -> &Dag {
        &self.0.dag
    }

    pub(crate) fn pdu_by_number(&self, rn: Rn) -> Option<Arc<Pdu>> {
        self.0.dag.shown(rn)
    }

    /// Whether the room has any entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.pos == 0
    }

    /// The room's version.
    pub fn version(&self) -> RoomVersion {
        self.0.version
    }

    /// The rules of the room's version.
    pub fn rules(&self) -> &'static RoomVersionRules {
        self.0.version.rules()
    }

    /// The state event of a type and key.
    pub fn state(&self, kind: &str, state_key: &str) -> Option<Arc<Pdu>> {
        let rn = self.0.state.get(&self.0.dag.skid(kind, state_key)?)?;
        self.0.dag.shown(*rn)
    }

    /// State events with what is told of them besides, as far as it is known.
    pub fn state_events(&self, pdus: Vec<Arc<Pdu>>) -> Vec<StateEvent> {
        pdus.into_iter().map(|pdu| self.state_event(pdu)).collect()
    }

    /// One state event, likewise.
    pub fn state_event(&self, pdu: Arc<Pdu>) -> StateEvent {
        let dag = &self.0.dag;
        let redacted = dag.find(&pdu.hash()).and_then(|rn| dag.redacted(rn));
        StateEvent {
            replaces: self.replaced(&pdu),
            redacted_because: redacted.and_then(|redacted| redacted.because.clone()),
            pdu,
        }
    }

    /// The state event in whose place one came. Of events that came as part of a state, without an
    /// entry, only what authorizes them is known: a member or power levels event names the one before.
    fn replaced(&self, pdu: &Pdu) -> Option<Arc<Pdu>> {
        let dag = &self.0.dag;
        let state_key = pdu.state_key()?;
        let old = dag.find(&pdu.hash()).and_then(|rn| dag.replaced(rn));
        if let Some(old) = old {
            return dag.shown(old);
        }
        let named = pdu.auth_events().iter().filter_map(|id| {
            let rn = self.0.dag.find(&event_hash(id, self.rules()))?;
            self.0.dag.shown(rn)
        });
        named
            .into_iter()
            .find(|old| old.is_state(pdu.kind(), state_key))
    }

    /// A state event that is stored, whether it is or was part of a state, authorizes another or was
    /// rejected. Whole, also if it was redacted: it is not for readers.
    pub fn known_state_event(&self, id: &EventId) -> Option<Arc<Pdu>> {
        let rn = self.0.dag.find(&event_hash(id, self.rules()))?;
        self.0.dag.pdu(rn)
    }

    /// All state events.
    pub fn full_state(&self) -> Vec<Arc<Pdu>> {
        self.0
            .state
            .values()
            .filter_map(|rn| self.0.dag.shown(*rn))
            .collect()
    }

    /// All state events of a type.
    pub fn state_of_kind(&self, kind: &str) -> Vec<Arc<Pdu>> {
        self.0
            .state
            .iter()
            .filter(|(skid, _)| self.0.dag.key(**skid).is_some_and(|(of, _)| of == kind))
            .filter_map(|(_, rn)| self.0.dag.shown(*rn))
            .collect()
    }

    /// A user's membership; `None` if the state says nothing of the user.
    pub fn membership(&self, user: &UserId) -> Option<Membership> {
        self.state("m.room.member", user.as_str())?
            .content_str("membership")?
            .parse()
            .ok()
    }

    /// All member events.
    pub fn members(&self) -> Vec<Arc<Pdu>> {
        self.state_of_kind("m.room.member")
    }

    /// All joined users.
    pub fn joined(&self) -> Vec<OwnedUserId> {
        joined_users(&self.0.dag, &self.0.state).collect()
    }

    /// The servers with a joined member. While members are missing in the state, also those that
    /// another server named.
    pub fn servers(&self) -> Arc<BTreeSet<OwnedServerName>> {
        let servers = self.0.servers.get_or_init(|| {
            let joined = joined_users(&self.0.dag, &self.0.state);
            let joined = joined.map(|user| user.server_name().to_owned());
            let partial = self.0.partial.iter();
            let named = partial.flat_map(|partial| partial.servers.iter().cloned());
            Arc::new(joined.chain(named).collect())
        });
        Arc::clone(servers)
    }

    /// Whether the state lacks members that another server left out when we joined through it.
    pub fn is_partial(&self) -> bool {
        self.0.partial.is_some()
    }

    pub(crate) fn partial(&self) -> Option<&Partial> {
        self.0.partial.as_ref()
    }

    pub(crate) fn correction(&self, pos: u64) -> Option<Correction> {
        self.0.corrections.get(&pos).copied()
    }

    /// The state events that another view of the room does not have: the cost is that of the
    /// difference.
    pub fn changed_since(&self, before: &Self) -> Vec<Arc<Pdu>> {
        crate::state::diff(&before.0.state, &self.0.state)
            .iter()
            .filter_map(|(_, _, new)| self.0.dag.shown((*new)?))
            .collect()
    }

    /// Who may do what; `None` without a create event.
    pub fn power_levels(&self) -> Option<PowerLevels> {
        let find = || {
            let create = self.create()?;
            let levels = self.state("m.room.power_levels", "");
            Some(PowerLevels::of(&create, levels.as_deref()))
        };
        self.0.levels.get_or_init(find).clone()
    }

    /// The create event.
    pub fn create(&self) -> Option<Arc<Pdu>> {
        self.state("m.room.create", "")
    }

    /// The text of a content field of a state event with an empty key.
    pub fn text(&self, kind: &str, field: &str) -> Option<String> {
        self.state(kind, "")?.content_str(field).map(str::to_owned)
    }

    /// The room's name.
    pub fn name(&self) -> Option<String> {
        self.text("m.room.name", "name")
            .filter(|name| !name.is_empty())
    }

    /// The room's topic.
    pub fn topic(&self) -> Option<String> {
        self.text("m.room.topic", "topic")
    }

    /// The room's canonical alias.
    pub fn canonical_alias(&self) -> Option<String> {
        self.text("m.room.canonical_alias", "alias")
            .filter(|alias| !alias.is_empty())
    }

    /// The room's avatar.
    pub fn avatar(&self) -> Option<String> {
        self.text("m.room.avatar", "url")
    }

    /// The join rule; `invite` where there is none.
    pub fn join_rule(&self) -> String {
        self.text("m.room.join_rules", "join_rule")
            .unwrap_or_else(|| "invite".to_owned())
    }

    /// The history visibility; `shared` where there is none.
    pub fn history_visibility(&self) -> String {
        self.text("m.room.history_visibility", "history_visibility")
            .unwrap_or_else(|| "shared".to_owned())
    }

    /// Whether guests may join.
    pub fn guest_access(&self) -> String {
        self.text("m.room.guest_access", "guest_access")
            .unwrap_or_else(|| "forbidden".to_owned())
    }

    /// The room's type, `m.space` for a space.
    pub fn room_type(&self) -> Option<String> {
        self.text("m.room.create", "type")
    }

    /// Whether messages are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.state("m.room.encryption", "").is_some()
    }

    /// The forward extremities. Only of the room as it is now.
    pub fn extremities(&self) -> Vec<OwnedEventId> {
        self.0.extremities.clone()
    }

    /// The depth of the deepest extremity.
    pub fn depth(&self) -> i64 {
        self.0.depth
    }

    /// Whether one of our users is joined now.
    pub fn is_joined_locally(&self) -> bool {
        self.0.local_joined > 0
    }

    /// The point after the last live entry.
    pub fn end(&self) -> TimelineKey {
        TimelineKey::after_live(self.0.pos)
    }

    /// When the room changed last, in milliseconds; every entry has a later time than the one
    /// before it.
    pub fn updated_at(&self) -> i64 {
        self.0.updated_at
    }

    /// Counters.
    pub fn counts(&self) -> Counts {
        self.0.counts
    }
}

/// An event that is in no log, and whether it was rejected.
pub(crate) async fn outlier(
    store: &Store,
    rid: u64,
    version: RoomVersion,
    hash: &Hash,
) -> Result<Option<(Pdu, bool)>> {
    let scan = Scan::index("be", vec![(rid as i64).into(), binary(hash)]).limit(1);
    let Some((_, doc)) = store.scan::<OutlierDoc>(ROOM, scan).await?.pop() else {
        return Ok(None);
    };
    let pdu = restore(&doc.body, version, &hash_of(&doc.be)?)?;
    Ok(Some((pdu, doc.rej.is_some())))
}
