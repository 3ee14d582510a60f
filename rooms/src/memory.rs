//! What a room's actor holds in memory: the events that make up its states, and its head.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{
    Pdu, RoomVersion, RoomVersionRules,
    id::{OwnedRoomId, OwnedUserId, UserId},
    pdu::Reference,
};
use gantry_state_res::{
    AuthDag, AuthEvent, EventSource, Resolution, ResolutionCache, Rn, Skid, StateMap,
};
use gantry_store::{Position, Store, hash16};

use crate::{
    Error, Result,
    codec::{Counts, EntryDoc, Group, Hash, restore},
    partial::{Corrections, Partial},
    state::{CachedGroup, StateCache, load_group},
};

/// The state events of a room by number, accepted, outliers and rejected ones alike. Clones are
/// cheap and share structure, so readers keep the one that they began with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dag {
    events: imbl::Vector<Arc<AuthEvent>>,
    by_hash: imbl::HashMap<Hash, Rn>,
    keys: imbl::Vector<(Arc<str>, Arc<str>)>,
    key_numbers: imbl::HashMap<[u8; 16], Skid>,
    create: Option<Rn>,
    /// In whose place an event came, where that is stored.
    replaced: imbl::HashMap<Rn, Rn>,
    redacted: imbl::HashMap<Rn, Redacted>,
}

/// A state event that was redacted.
#[derive(Debug, Clone)]
pub(crate) struct Redacted {
    /// What the redaction leaves of it.
    pub(crate) pdu: Arc<Pdu>,
    /// The redaction; `None` if it was purged.
    pub(crate) because: Option<Arc<Pdu>>,
}

/// 16 bytes that stand for a type and state key.
pub(crate) fn key_hash(kind: &str, state_key: &str) -> [u8; 16] {
    hash16(&[kind.as_bytes(), state_key.as_bytes()])
}

impl Dag {
    /// How many events there are; also the number of the next one.
    pub(crate) fn len(&self) -> u32 {
        self.events.len() as u32
    }

    /// How many state keys there are; also the number of the next one.
    pub(crate) fn key_count(&self) -> u32 {
        self.keys.len() as u32
    }

    /// Adds the next state key.
    pub(crate) fn push_key(&mut self, kind: &str, state_key: &str) -> Skid {
        let skid = self.key_count();
        self.keys.push_back((kind.into(), state_key.into()));
        self.key_numbers.insert(key_hash(kind, state_key), skid);
        skid
    }

    /// Adds the next event, whose number must be [`Dag::len`].
    pub(crate) fn push(&mut self, hash: Hash, event: AuthEvent) {
        if event.pdu.is_state("m.room.create", "") && !event.rejected && self.create.is_none() {
            self.create = Some(event.rn);
        }
        self.by_hash.insert(hash, event.rn);
        self.events.push_back(Arc::new(event));
    }

    /// Keeps in whose place an event came.
    pub(crate) fn set_replaced(&mut self, rn: Rn, old: Rn) {
        self.replaced.insert(rn, old);
    }

    /// In whose place an event came, if that is stored.
    pub(crate) fn replaced(&self, rn: Rn) -> Option<Rn> {
        self.replaced.get(&rn).copied()
    }

    /// From now on the event is shown redacted. False: it is already, or there is none.
    pub(crate) fn hide(&mut self, rn: Rn, because: Option<Arc<Pdu>>) -> bool {
        let Some(pdu) = self.pdu(rn).filter(|_| !self.redacted.contains_key(&rn)) else {
            return false;
        };
        let pdu = Arc::new(pdu.redacted());
        self.redacted.insert(rn, Redacted { pdu, because });
        true
    }

    /// Whether and why an event is shown redacted.
    pub(crate) fn redacted(&self, rn: Rn) -> Option<&Redacted> {
        self.redacted.get(&rn)
    }

    /// The number of the event with this hash.
    pub(crate) fn find(&self, hash: &Hash) -> Option<Rn> {
        self.by_hash.get(hash).copied()
    }

    /// The event with this number.
    pub(crate) fn get(&self, rn: Rn) -> Option<&Arc<AuthEvent>> {
        self.events.get(rn as usize)
    }

    /// The event with this number as readers may have it: redacted if it was.
    pub(crate) fn shown(&self, rn: Rn) -> Option<Arc<Pdu>> {
        match self.redacted(rn) {
            Some(redacted) => Some(Arc::clone(&redacted.pdu)),
            None => self.pdu(rn),
        }
    }

    /// The event with this number, as an event. Whole, for whoever authorizes.
    pub(crate) fn pdu(&self, rn: Rn) -> Option<Arc<Pdu>> {
        self.get(rn).map(|event| Arc::clone(&event.pdu))
    }

    /// The event of an entry of this room's log.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] if it has none: a control entry, or one that was purged.
    pub(crate) fn event_of(&self, entry: &EntryDoc, version: RoomVersion) -> Result<Arc<Pdu>> {
        match (entry.rn, &entry.body) {
            (Some(rn), _) => self
                .pdu(rn as u32)
                .ok_or(Error::Broken("a state event has no body")),
            (None, Some(body)) => Ok(Arc::new(restore(body, version, &entry.hash()?)?)),
            (None, None) => Err(Error::Broken("an entry has no body")),
        }
    }

    /// Type and state key of a number.
    pub(crate) fn key(&self, skid: Skid) -> Option<(&str, &str)> {
        self.keys
            .get(skid as usize)
            .map(|(kind, state_key)| (&**kind, &**state_key))
    }

    /// The event that a state has for a type and state key.
    pub(crate) fn state_event(
        &self,
        state: &StateMap,
        kind: &str,
        state_key: &str,
    ) -> Option<Arc<Pdu>> {
        let rn = state.get(&self.skid(kind, state_key)?)?;
        self.pdu(*rn)
    }
}

impl EventSource for Dag {
    fn event(&self, rn: Rn) -> Option<&AuthEvent> {
        self.get(rn).map(|event| &**event)
    }

    fn skid(&self, kind: &str, state_key: &str) -> Option<Skid> {
        self.key_numbers.get(&key_hash(kind, state_key)).copied()
    }

    fn create(&self) -> Option<Rn> {
        self.create
    }
}

/// What makes resolutions quick.
#[derive(Default)]
struct Resolver {
    /// The auth edges of all state events.
    edges: AuthDag,
    results: ResolutionCache,
}

/// The events with their auth edges in flat arrays.
struct WithEdges<'a> {
    dag: &'a Dag,
    edges: &'a AuthDag,
}

impl EventSource for WithEdges<'_> {
    fn event(&self, rn: Rn) -> Option<&AuthEvent> {
        self.dag.event(rn)
    }

    fn skid(&self, kind: &str, state_key: &str) -> Option<Skid> {
        self.dag.skid(kind, state_key)
    }

    fn create(&self) -> Option<Rn> {
        self.dag.create
    }

    fn dag(&self) -> Option<&AuthDag> {
        Some(self.edges)
    }
}

/// A forward extremity.
#[derive(Debug, Clone)]
pub(crate) struct Extremity {
    pub(crate) pos: u64,
    pub(crate) sa: Group,
    pub(crate) hash: Hash,
    pub(crate) reference: Reference,
    pub(crate) depth: i64,
}

/// The end of a room's log.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The last entry; 0 before the first.
    pub(crate) pos: u64,
    /// Its position; `None` while it is being committed.
    pub(crate) position: Option<Position>,
    /// Its hash.
    pub(crate) le: Hash,
    pub(crate) fx: Vec<Extremity>,
    pub(crate) cs: Group,
    pub(crate) depth: i64,
    pub(crate) u: i64,
    pub(crate) counts: Counts,
    /// What is known while members are missing in the state.
    pub(crate) partial: Option<Partial>,
    /// The entry that holds corrections of earlier ones.
    pub(crate) corrected: Option<u64>,
}

impl Head {
    /// The head of a log without entries.
    pub(crate) fn empty() -> Self {
        Self {
            pos: 0,
            position: None,
            le: [0; 32],
            fx: Vec::new(),
            cs: 0,
            depth: 0,
            u: 0,
            counts: Counts::default(),
            partial: None,
            corrected: None,
        }
    }
}

/// Where an entry of the log is, and the state after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) sa: Option<Group>,
    pub(crate) soft: bool,
}

/// How many places of entries, and how many rejected messages, are remembered while commands are at
/// work.
const RECENT: usize = 4096;
/// How many places of entries are remembered between commands; beyond, those of extremities only.
const KEPT: usize = 56;

/// A room in the memory of its actor. While a command is at work it runs ahead of the log; if the
/// append fails it returns to where it was.
pub(crate) struct Memory {
    pub(crate) rid: u64,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) version: RoomVersion,
    pub(crate) dag: Dag,
    resolver: Resolver,
    pub(crate) head: Head,
    pub(crate) store: Store,
    /// How many of our users are joined in the current state.
    pub(crate) local_joined: i64,
    /// The position from which on extremities may be merged.
    pub(crate) next_merge: u64,
    pub(crate) corrections: Corrections,
    cache: Arc<StateCache>,
    /// Groups of entries that are not committed yet.
    fresh: HashMap<Group, CachedGroup>,
    recent: HashMap<Hash, Place>,
    /// Rejected messages that may not be stored yet, with the events before them.
    rejected: HashMap<Hash, Vec<Hash>>,
}

/// A room as its log has it.
pub(crate) struct Mark {
    dag: Dag,
    head: Head,
    local_joined: i64,
    next_merge: u64,
    corrections: Corrections,
}

impl Memory {
    pub(crate) fn new(
        rid: u64,
        room_id: OwnedRoomId,
        version: RoomVersion,
        store: Store,
        cache: Arc<StateCache>,
    ) -> Self {
        Self {
            rid,
            room_id,
            version,
            dag: Dag::default(),
            resolver: Resolver::default(),
            head: Head::empty(),
            store,
            local_joined: 0,
            next_merge: 0,
            corrections: Corrections::new(),
            cache,
            fresh: HashMap::new(),
            recent: HashMap::new(),
            rejected: HashMap::new(),
        }
    }

    pub(crate) fn rules(&self) -> &'static RoomVersionRules {
        self.version.rules()
    }

    /// Adds the next state event, whose number must be [`Dag::len`].
    pub(crate) fn push(&mut self, hash: Hash, event: AuthEvent) {
        self.resolver.edges.push(event.skid, &event.auth);
        self.dag.push(hash, event);
    }

    /// Goes on with these state events, of which those that are known are the first.
    pub(crate) fn set_events(&mut self, dag: Dag) {
        for event in dag.events.iter().skip(self.resolver.edges.len()) {
            self.resolver.edges.push(event.skid, &event.auth);
        }
        self.dag = dag;
    }

    /// The room as it is now, to come back to.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            dag: self.dag.clone(),
            head: self.head.clone(),
            local_joined: self.local_joined,
            next_merge: self.next_merge,
            corrections: self.corrections.clone(),
        }
    }

    /// Forgets what was drafted since and has not been appended.
    pub(crate) fn return_to(&mut self, mark: Mark) {
        self.resolver.edges.truncate(mark.dag.len() as usize);
        self.resolver.results = ResolutionCache::default();
        self.dag = mark.dag;
        self.head = mark.head;
        self.local_joined = mark.local_joined;
        self.next_merge = mark.next_merge;
        self.corrections = mark.corrections;
        self.fresh.clear();
        self.recent.clear();
        self.rejected.clear();
    }

    /// Resolves states of the room.
    pub(crate) fn resolve(&mut self, states: &[StateMap]) -> Resolution {
        let Resolver { edges, results } = &mut self.resolver;
        let source = WithEdges {
            dag: &self.dag,
            edges,
        };
        results.resolve(self.version.rules(), states, &source)
    }

    /// The state of a group with what is needed to grow from it.
    pub(crate) async fn group(&self, group: Group) -> Result<CachedGroup> {
        if let Some(cached) = self.fresh.get(&group) {
            return Ok(cached.clone());
        }
        load_group(&self.store, &self.cache, self.rid, group).await
    }

    /// The state of a group.
    pub(crate) async fn state(&self, group: Group) -> Result<StateMap> {
        Ok(self.group(group).await?.state)
    }

    /// Remembers a group of an entry that is about to be committed.
    pub(crate) fn add_group(&mut self, group: Group, cached: CachedGroup) {
        self.fresh.insert(group, cached);
    }

    /// Forgets groups of an entry that was not appended after all: its number will be another's.
    pub(crate) fn discard_unused(&mut self) {
        let end = self.head.pos as i64;
        self.fresh.retain(|group, _| group >> 16 <= end);
    }

    /// Everything up to here is committed: readers may use it.
    pub(crate) fn settle(&mut self, position: Option<Position>) {
        if self.recent.len() > KEPT {
            let fx = &self.head.fx;
            let is_extremity = |hash: &Hash| fx.iter().any(|one| one.hash == *hash);
            self.recent.retain(|hash, _| is_extremity(hash));
            self.recent.shrink_to_fit();
        }
        for (group, cached) in self.fresh.drain() {
            self.cache.insert(group, cached);
        }
        if position.is_some() {
            self.head.position = position;
        }
    }

    /// Where the entry of a hash is, if it is a recent one or an extremity.
    pub(crate) fn recent(&self, hash: &Hash) -> Option<Place> {
        self.recent.get(hash).copied()
    }

    /// The events before a rejected message, if it is a recent one.
    pub(crate) fn rejected(&self, hash: &Hash) -> Option<&[Hash]> {
        self.rejected.get(hash).map(Vec::as_slice)
    }

    pub(crate) fn remember_rejected(&mut self, hash: Hash, before: Vec<Hash>) {
        if self.rejected.len() >= RECENT {
            self.rejected.clear();
        }
        self.rejected.insert(hash, before);
    }

    pub(crate) fn remember(&mut self, hash: Hash, place: Place) {
        if self.recent.len() >= RECENT {
            self.recent.clear();
        }
        self.recent.insert(hash, place);
    }
}

/// The users that are joined in a state.
pub(crate) fn joined_users<'a>(
    dag: &'a Dag,
    state: &'a StateMap,
) -> impl Iterator<Item = OwnedUserId> + 'a {
    state.iter().filter_map(|(skid, rn)| {
        let (kind, user) = dag.key(*skid)?;
        if kind != "m.room.member" {
            return None;
        }
        let event = dag.get(*rn)?;
        (event.pdu.content_str("membership") == Some("join"))
            .then(|| UserId::parse(user).ok())
            .flatten()
    })
}
