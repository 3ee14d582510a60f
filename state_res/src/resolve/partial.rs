//! The partially resolved state and the checks against it.

use std::sync::Arc;

use gantry_model::{Pdu, id::UserId};
use rustc_hash::FxHashMap;

use super::split::Split;
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
    power_levels: Option<Skid>,
    join_rules: Option<Skid>,
}

impl<'a, S: EventSource> Partial<'a, S> {
    pub(super) fn new(start: Start<'a>, source: &'a S) -> Self {
        Self {
            source,
            start,
            resolved: FxHashMap::default(),
            power_levels: source.skid("m.room.power_levels", ""),
            join_rules: source.skid("m.room.join_rules", ""),
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
    }

    /// The power levels event so far.
    pub(super) fn power_levels(&self) -> Option<Rn> {
        self.get(self.power_levels?)
    }

    /// The [iterative auth checks](https://spec.matrix.org/v1.19/rooms/v2/#definitions): events
    /// that are allowed go into the state, one after the other.
    pub(super) fn apply(&mut self, events: &[Rn]) {
        for event in events.iter().filter_map(|rn| self.source.event(*rn)) {
            if self.check(event).is_ok() {
                self.set(event);
            }
        }
    }

    /// Checks an event against the state.
    pub(super) fn check(&self, event: &AuthEvent) -> Result<(), Rejection> {
        let state = At {
            partial: self,
            event,
        };
        check_in(&event.pdu, event.view(), &state)
    }

    /// The state in the end: what the states agree on, and for other keys what was resolved.
    pub(super) fn into_state(self, split: &Split<'_>) -> StateMap {
        let mut state = split.base.clone();
        for skid in split.differing.keys() {
            if !self.resolved.contains_key(skid) {
                state.remove(skid);
            }
        }
        for (skid, rn) in self.resolved {
            if !split.agrees_on(skid) || !split.base.contains_key(&skid) {
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
        let source = self.partial.source;
        let usable = |rn: Rn| source.event(rn).filter(|event| !event.rejected);
        let in_state = self.partial.get(skid).and_then(usable);
        if in_state.is_some() || matches!(self.partial.start, Start::State(_)) {
            return in_state;
        }
        let mut own = self.event.auth.iter().filter_map(|rn| usable(*rn));
        own.find(|auth| auth.skid == skid)
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
        match self.find(self.partial.power_levels)?.view() {
            View::PowerLevels(levels) => Some(Arc::clone(levels)),
            _ => None,
        }
    }

    fn membership(&self, user: &UserId) -> Membership {
        match self.member(user).map(AuthEvent::view) {
            Some(View::Member(membership)) => *membership,
            _ => Membership::Leave,
        }
    }

    fn join_rule(&self) -> JoinRule {
        match self.find(self.partial.join_rules).map(AuthEvent::view) {
            Some(View::JoinRules(rule)) => *rule,
            _ => JoinRule::Invite,
        }
    }

    fn third_party_invite(&self, token: &str) -> Option<Arc<Pdu>> {
        let skid = self.partial.source.skid("m.room.third_party_invite", token);
        self.find(skid).map(|event| Arc::clone(&event.pdu))
    }
}
