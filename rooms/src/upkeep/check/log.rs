//! The log: dense, chained, each entry what its body says, each state what the entries before lead
//! to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use gantry_model::{Pdu, RoomVersion, pdu::event_hash};
use gantry_state_res::{StateMap, resolve};
use gantry_store::{Key, Position, Store, bson::RawDocumentBuf, from_raw, schema::ROOM};

use super::{
    super::{
        Counting, Upkeep,
        project::{ENTRIES_AT_ONCE, Projections, current_changes},
    },
    bodies::{Bodies, names_auth_events},
    event::examine,
    heads::Extremity,
    states::States,
};
use crate::{
    Error, EventFlags, MembershipRow, Relation, Result, TimelineKey,
    codec::{Class, EntryDoc, Group, Hash, HeadDoc, KIND_LOG, RoomDoc, number},
    commit::control_hash,
    dummy::is_dummy,
    pages::Pages,
    state::diff,
    upkeep::findings::Checked,
};

/// Where an entry stands, and what follows from it.
pub(super) struct Place {
    pub(super) pos: u64,
    pub(super) sa: Option<Group>,
    /// Of one that was appended while the state lacked members, what is before it.
    pub(super) prev: Vec<Hash>,
    /// Of a soft-failed one, what is before it.
    pub(super) hidden: Option<Vec<Hash>>,
}

/// The entry before.
pub(super) struct Last {
    pub(super) pos: u64,
    pub(super) hash: Hash,
    pub(super) position: Option<Position>,
    pub(super) head: HeadDoc,
}

/// A log while it is read from its beginning.
pub(super) struct LogCheck<'a> {
    pub(super) store: &'a Store,
    pub(super) room: &'a RoomDoc,
    pub(super) version: RoomVersion,
    pub(super) bodies: &'a Bodies,
    pub(super) states: States<'a>,
    pub(super) places: HashMap<Hash, Place>,
    pub(super) last: Option<Last>,
    pub(super) fx: Vec<Extremity>,
    pub(super) counting: Counting,
    pub(super) counts_fit: bool,
    rows: Projections,
    found: &'a mut Checked,
}

/// An entry that is being looked at.
pub(super) struct Looked {
    pub(super) pos: u64,
    pub(super) hash: Hash,
    pub(super) entry: EntryDoc,
    /// `None`: purged, or damaged.
    pub(super) pdu: Option<Arc<Pdu>>,
    pub(super) flags: EventFlags,
    pub(super) place: String,
}

impl Looked {
    pub(super) fn is_live(&self) -> bool {
        self.entry.cls == Class::Live as i32
    }
}

impl Upkeep {
    /// Checks a room's log and returns the rows that follow from it; `None`: the log breaks off.
    pub(super) async fn check_log(
        &self,
        room: &RoomDoc,
        bodies: &Bodies,
        found: &mut Checked,
    ) -> Result<Option<BTreeMap<Key, MembershipRow>>> {
        let rid = room.rid as u64;
        let mut check = LogCheck {
            store: &self.store,
            room,
            version: room.version()?,
            bodies,
            states: States::new(&self.store, rid),
            places: HashMap::new(),
            last: None,
            fx: Vec::new(),
            counting: Counting::default(),
            counts_fit: true,
            rows: Projections::default(),
            found,
        };
        let mut log = Pages::<RawDocumentBuf>::of_room(&self.store, rid, KIND_LOG, ENTRIES_AT_ONCE);
        while let Some(page) = log.next().await? {
            for (key, doc) in page {
                check.found.entries += 1;
                let Some(looked) = check.look(number(&key)?, &doc)? else {
                    return Ok(None);
                };
                check.chain(&looked);
                check.fields(&looked);
                check.states(&looked).await?;
                let changes = check.head(&looked).await?;
                let is_local = |user: &gantry_model::id::UserId| self.is_local(user);
                check
                    .rows
                    .add_rows(room, &bodies.dag, &changes, looked.pos, &is_local);
                check.step(looked);
            }
        }
        Ok(Some(check.rows.rows))
    }
}

impl LogCheck<'_> {
    pub(super) fn find(&mut self, place: &str, what: impl Into<String>) {
        self.found.find(Some(&self.room.room_id), place, what);
    }

    /// Decodes an entry and finds its event. `None`: the log cannot be followed further.
    fn look(&mut self, pos: u64, doc: &RawDocumentBuf) -> Result<Option<Looked>> {
        let expected = self.last.as_ref().map_or(1, |last| last.pos + 1);
        let place = format!("log entry {expected}");
        if pos != expected {
            self.find(&place, "it is missing");
            return Ok(None);
        }
        let entry: EntryDoc = match from_raw(ROOM, doc) {
            Ok(entry) => entry,
            Err(error) => {
                self.find(&place, error.to_string());
                return Ok(None);
            }
        };
        let hash = entry.hash()?;
        if entry.is_control() {
            let own = control_hash(&entry)?;
            if own != hash {
                self.find(&place, "its hash is not that of its bytes");
            }
            return Ok(Some(Looked {
                pos,
                hash,
                flags: EventFlags::from_bits(entry.flags),
                entry,
                pdu: None,
                place,
            }));
        }
        let pdu = self.event(&entry, &hash).unwrap_or_else(|what| {
            self.find(&place, what);
            None
        });
        Ok(Some(Looked {
            pos,
            hash,
            flags: EventFlags::from_bits(entry.flags),
            entry,
            pdu,
            place,
        }))
    }

    fn event(&self, entry: &EntryDoc, hash: &Hash) -> Result<Option<Arc<Pdu>>, String> {
        let dag = &self.bodies.dag;
        match (entry.rn, &entry.body) {
            (Some(_), Some(_)) => Err("it has two bodies".to_owned()),
            (Some(rn), None) => match dag.get(rn as u32) {
                None => Err("its state event is missing".to_owned()),
                Some(event) if event.rejected => Err("a rejected event is in the log".to_owned()),
                Some(event) if event.pdu.hash() != *hash => {
                    Err("its state event is another one".to_owned())
                }
                Some(event) => Ok(Some(Arc::clone(&event.pdu))),
            },
            (None, Some(_)) if entry.is_purged() => {
                if entry.rel.is_some() || entry.tx.is_some() || entry.rc.is_some() {
                    return Err("it was purged, but not completely".to_owned());
                }
                Ok(None)
            }
            (None, Some(body)) => examine(body, self.version, hash).map(Arc::new).map(Some),
            (None, None) => Err("it has no body".to_owned()),
        }
    }

    fn chain(&mut self, looked: &Looked) {
        let entry = &looked.entry;
        let (prev8, pw, u) = match &self.last {
            Some(last) => (last.hash, last.position, last.head.u),
            None => ([0; 32], None, 0),
        };
        if entry.h.prev8.0[..] != prev8[..8] {
            self.find(&looked.place, "it is not chained to the one before it");
        }
        if entry.position().is_err() {
            self.find(&looked.place, "it has no position");
        }
        if entry.pw != pw {
            self.find(&looked.place, "it names another position before it");
        }
        if entry.h.u <= u {
            self.find(&looked.place, "it is not later than the one before it");
        }
        if self.places.contains_key(&looked.hash) {
            self.find(&looked.place, "the same event is in the log before");
        }
    }

    fn fields(&mut self, looked: &Looked) {
        let entry = &looked.entry;
        if looked.is_live() {
            let is_hidden = looked.flags.soft || looked.pdu.as_deref().is_some_and(is_dummy);
            let tk = (!is_hidden).then(|| TimelineKey::live(looked.pos));
            let stored = entry.tk.as_ref().and_then(|tk| TimelineKey::from_slice(tk));
            if stored != tk {
                self.find(&looked.place, "its place in the timeline is wrong");
            }
        }
        let gap = looked.is_live() && looked.flags.gap;
        if entry.gap.unwrap_or(false) != gap {
            self.find(&looked.place, "its mark as the end of a gap is wrong");
        }
        if entry.out.unwrap_or(false) != looked.flags.out {
            self.find(&looked.place, "its mark for other servers is wrong");
        }
        let Some(pdu) = looked.pdu.clone() else {
            return;
        };
        let rules = pdu.rules();
        let dag = &self.bodies.dag;
        let by = dag.key(entry.by as u32) == Some(("m.room.member", pdu.sender().as_str()));
        let prev = entry
            .prev_hashes()
            .eq(pdu.prev_events().iter().map(|id| event_hash(id, rules)));
        let same = [
            (entry.kind == pdu.kind(), "type"),
            (entry.state_key.as_deref() == pdu.state_key(), "state key"),
            (entry.rn.is_some() == pdu.state_key().is_some(), "kind"),
            (entry.ts == pdu.origin_server_ts(), "time"),
            (by, "sender"),
            (prev, "previous events"),
            (names_auth_events(dag, &entry.auth, &pdu), "auth events"),
            (relates(entry, &pdu), "relation"),
        ];
        for (is_same, field) in same {
            if !is_same {
                let what = format!("its {field} is not that of its body");
                self.find(&looked.place, what);
            }
        }
    }

    async fn states(&mut self, looked: &Looked) -> Result<()> {
        let entry = &looked.entry;
        self.found.groups += entry.ng.len() as u64;
        let dag = &self.bodies.dag;
        for what in self.states.take(dag, looked.pos, &entry.ng).await? {
            self.find(&looked.place, what);
        }
        let Some(sb) = entry.sb else {
            if entry.sa.is_some() {
                self.find(&looked.place, "there is a state after it, but none before");
            }
            return Ok(());
        };
        let Some(before) = self.states.get(sb).await? else {
            self.find(&looked.place, "the state before it is unknown");
            return Ok(());
        };
        if let Some(expected) = self.replayed(looked).await?
            && !diff(&before, &expected).is_empty()
        {
            let what = "the state before it does not follow from its previous events";
            self.find(&looked.place, what);
        }
        let expected = match entry.rn.and_then(|rn| dag.get(rn as u32)) {
            Some(event) => before.update(event.skid, event.rn),
            None => before,
        };
        let after = match entry.sa {
            Some(sa) => self.states.get(sa).await?,
            None => None,
        };
        if after.is_none_or(|after| !diff(&after, &expected).is_empty()) {
            let what = "the state after it does not follow from the one before";
            self.find(&looked.place, what);
        }
        Ok(())
    }

    /// The state before a live entry, from its previous events; `None`: it was given, or cannot be
    /// known.
    async fn replayed(&mut self, looked: &Looked) -> Result<Option<StateMap>> {
        // An event of ours with more extremities than it can name follows from all of them.
        let named = looked.entry.prev_hashes().count();
        if !looked.is_live() || looked.flags.gap || self.fx.len() > named.max(1) && named == 20 {
            return Ok(None);
        }
        let mut sides = Vec::new();
        let mut wave: Vec<Hash> = looked.entry.prev_hashes().collect();
        let mut seen = 0;
        while let Some(hash) = wave.pop() {
            seen += 1;
            match (self.places.get(&hash), self.bodies.rejected.get(&hash)) {
                (Some(Place { sa: Some(sa), .. }), _) => sides.push(*sa),
                (Some(Place { sa: None, .. }), _) => return Ok(None),
                (None, Some(before)) if seen < 1_000 => wave.extend(before),
                (None, _) => {
                    self.find(&looked.place, "a previous event is missing");
                    return Ok(None);
                }
            }
        }
        self.resolved(sides).await.map(Some)
    }

    /// The resolution of the states of groups.
    pub(super) async fn resolved(&self, mut sides: Vec<Group>) -> Result<StateMap> {
        sides.sort_unstable();
        sides.dedup();
        let mut states = Vec::with_capacity(sides.len());
        for side in sides {
            states.extend(self.states.get(side).await?);
        }
        if states.len() < 2 {
            return Ok(states.pop().unwrap_or_default());
        }
        Ok(resolve(self.version.rules(), &states, &self.bodies.dag).state)
    }

    /// What the entry has changed in the current state, as it says itself.
    pub(super) async fn said_changes(
        &mut self,
        looked: &Looked,
    ) -> Result<Vec<crate::codec::Change>> {
        match current_changes(self.store, self.room.rid as u64, &looked.entry).await {
            Ok(changes) => Ok(changes),
            Err(Error::Broken(what)) => {
                self.find(&looked.place, what);
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    fn step(&mut self, looked: Looked) {
        let entry = looked.entry;
        let prev: Vec<Hash> = entry.prev_hashes().collect();
        let hidden = looked.flags.soft.then(|| prev.clone());
        let prev = if looked.flags.partial {
            prev
        } else {
            Vec::new()
        };
        let place = Place {
            pos: looked.pos,
            sa: entry.sa,
            prev,
            hidden,
        };
        self.places.insert(looked.hash, place);
        self.last = Some(Last {
            pos: looked.pos,
            hash: looked.hash,
            position: entry.position().ok(),
            head: entry.h,
        });
    }
}

/// Whether the stored relation is that of the body. A body that was redacted later has lost its.
fn relates(entry: &EntryDoc, pdu: &Pdu) -> bool {
    let Some(relation) = Relation::of(pdu) else {
        let is_redacted = pdu.redacted().object() == pdu.object();
        return entry.rel.is_none() || is_redacted;
    };
    let target = event_hash(&relation.target, pdu.rules());
    let stored = entry.rel.as_ref();
    stored.is_some_and(|stored| stored.hash.0 == target && stored.kind == relation.kind)
}
