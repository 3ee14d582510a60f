//! The partially resolved state and the checks against it.

use std::sync::Arc;

use gantry_model::{Pdu, id::UserId};
use rustc_hash::FxHashMap;

use super::{
    auth_chain::skid_of,
    explain::{Candidate, Log, Part},
    split::Split,
};
use crate::{
    AuthEvent, EventSource, Membership, Rejection, Rn, Skid, StateMap,
    auth::{Knowledge, check_in},
    power::Levels,
    view::{Create, JoinRule, View},
};

/// What a partial state holds before anything is resolved.
pub(super) enum Start<'a> {
    /// Nothing.
    Empty,
    /// The entries on which the states agree.
    Unconflicted(&'a Split<'a>),
    /// A state, which is all that authorizes: own auth events of an event do not stand in.
    State(&'a StateMap),
}

impl Start<'_> {
    fn get(&self, skid: Skid) -> Option<Rn> {
        match self {
            Self::Empty => None,
            Self::Unconflicted(split) if !split.agrees_on(skid) => None,
            Self::Unconflicted(split) => split.base.get(&skid).copied(),
            Self::State(state) => state.get(&skid).copied(),
        }
    }
}

/// A state that grows while events are checked against it.
pub(super) struct Partial<'a, S> {
    source: &'a S,
    start: Start<'a>,
    resolved: FxHashMap<Skid, Rn>,
    power_levels: Followed,
    join_rules: Followed,
}

/// A key that nearly every check asks for, with its event so far.
#[derive(Clone, Copy)]
struct Followed {
    skid: Option<Skid>,
    rn: Option<Rn>,
}

impl Followed {
    fn new(kind: &str, start: &Start<'_>, source: &impl EventSource) -> Self {
        let skid = source.skid(kind, "");
        Self {
            skid,
            rn: skid.and_then(|skid| start.get(skid)),
        }
    }
}

impl<'a, S: EventSource> Partial<'a, S> {
    pub(super) fn new(start: Start<'a>, source: &'a S) -> Self {
        Self {
            source,
            resolved: FxHashMap::default(),
            power_levels: Followed::new("m.room.power_levels", &start, source),
            join_rules: Followed::new("m.room.join_rules", &start, source),
            start,
        }
    }

    /// The event of a key so far.
    pub(super) fn get(&self, skid: Skid) -> Option<Rn> {
        let resolved = self.resolved.get(&skid).copied();
        resolved.or_else(|| self.start.get(skid))
    }

    /// Puts an event into the state.
    pub(super) fn set(&mut self, event: &AuthEvent) {
        self.resolved.insert(event.skid, event.rn);
        for followed in [&mut self.power_levels, &mut self.join_rules] {
            if followed.skid == Some(event.skid) {
                followed.rn = Some(event.rn);
            }
        }
    }

    /// The power levels event so far.
    pub(super) fn power_levels(&self) -> Option<Rn> {
        self.power_levels.rn
    }

    /// The [iterative auth checks](https://spec.matrix.org/v1.19/rooms/v2/#definitions): events
    /// that are allowed go into the state, one after the other.
    pub(super) fn apply(&mut self, events: &[Rn], part: Part, log: &mut Log) {
        for event in events.iter().filter_map(|rn| self.source.event(*rn)) {
            if self.check_logged(event, part, log).is_ok() {
                self.set(event);
            }
        }
    }

    /// Checks an event against the state and keeps the verdict for whoever wants an account.
    pub(super) fn check_logged(
        &self,
        event: &AuthEvent,
        part: Part,
        log: &mut Log,
    ) -> Result<(), Rejection> {
        let verdict = self.check(event);
        if let Some(log) = log {
            log.push(Candidate {
                rn: event.rn,
                skid: event.skid,
                part,
                verdict,
                states: Vec::new(),
            });
        }
        verdict
    }

    fn check(&self, event: &AuthEvent) -> Result<(), Rejection> {
        let state = At {
            partial: self,
            event,
        };
        check_in(&event.pdu, event.view(), &state)
    }

    /// The state in the end: what the states agree on, and for other keys what was resolved.
    pub(super) fn into_state(self, split: &Split<'_>) -> StateMap {
        let mut state = split.base.clone();
        for skid in &split.differing {
            if !self.resolved.contains_key(skid) {
                state.remove(skid);
            }
        }
        for (skid, rn) in self.resolved {
            // What is in place already is not written: that would copy shared parts of the map.
            let in_place = split.base.get(&skid);
            if in_place.is_none() || (in_place != Some(&rn) && !split.agrees_on(skid)) {
                state.insert(skid, rn);
            }
        }
        state
    }
}

/// The state as an event sees it: where the partial state has no event, or a rejected one, the
/// event's own auth events stand in.
struct At<'a, S> {
    partial: &'a Partial<'a, S>,
    event: &'a AuthEvent,
}

impl<'a, S: EventSource> At<'a, S> {
    fn find(&self, skid: Option<Skid>) -> Option<&'a AuthEvent> {
        let skid = skid?;
        self.find_or_own(skid, self.partial.get(skid))
    }

    fn find_followed(&self, followed: Followed) -> Option<&'a AuthEvent> {
        self.find_or_own(followed.skid?, followed.rn)
    }

    fn find_or_own(&self, skid: Skid, in_state: Option<Rn>) -> Option<&'a AuthEvent> {
        let source = self.partial.source;
        let usable = |rn: Rn| source.event(rn).filter(|event| !event.rejected);
        let in_state = in_state.and_then(usable);
        if in_state.is_some() || matches!(self.partial.start, Start::State(_)) {
            return in_state;
        }
        let own = self.event.auth.iter().copied();
        own.filter(|rn| skid_of(source, *rn) == Some(skid))
            .find_map(usable)
    }

    fn member(&self, user: &UserId) -> Option<&'a AuthEvent> {
        let is_own_key = self.event.pdu.kind() == "m.room.member"
            && self.event.pdu.state_key() == Some(user.as_str());
        self.find(if is_own_key {
            Some(self.event.skid)
        } else {
            self.partial.source.skid("m.room.member", user.as_str())
        })
    }
}

impl<S: EventSource> Knowledge for At<'_, S> {
    fn create(&self) -> Option<Arc<Create>> {
        let source = self.partial.source;
        match source.event(source.create()?)?.view() {
            View::Create(create) => Some(Arc::clone(create)),
            _ => None,
        }
    }

    fn levels(&self) -> Option<Arc<Levels>> {
        match self.find_followed(self.partial.power_levels)?.view() {
            View::PowerLevels(levels) => Some(Arc::clone(levels)),
            _ => None,
        }
    }

    fn membership(&self, user: &UserId) -> Membership {
        match self.member(user).map(AuthEvent::view) {
            Some(View::Member(member)) => member.membership,
            _ => Membership::Leave,
        }
    }

    fn join_rule(&self) -> JoinRule {
        match self
            .find_followed(self.partial.join_rules)
            .map(AuthEvent::view)
        {
            Some(View::JoinRules(rule)) => *rule,
            _ => JoinRule::Invite,
        }
    }

    fn third_party_invite(&self, token: &str) -> Option<Arc<Pdu>> {
        let skid = self.partial.source.skid("m.room.third_party_invite", token);
        self.find(skid).map(|event| Arc::clone(&event.pdu))
    }
}
