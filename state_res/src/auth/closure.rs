//! A state behind a closure.

use std::sync::Arc;

use gantry_model::{Pdu, id::UserId};

use super::Knowledge;
use crate::{
    power::Levels,
    view::{Create, JoinRule, Membership, View},
};

/// Parses what it is asked for, each time.
pub(super) struct ClosureState<'a>(pub(super) &'a dyn Fn(&str, &str) -> Option<Arc<Pdu>>);

impl ClosureState<'_> {
    fn view(&self, kind: &str, state_key: &str) -> Option<View> {
        (self.0)(kind, state_key).map(|pdu| View::parse(&pdu))
    }
}

impl Knowledge for ClosureState<'_> {
    fn create(&self) -> Option<Arc<Create>> {
        match self.view("m.room.create", "")? {
            View::Create(create) => Some(create),
            _ => None,
        }
    }

    fn levels(&self) -> Option<Arc<Levels>> {
        match self.view("m.room.power_levels", "")? {
            View::PowerLevels(levels) => Some(levels),
            _ => None,
        }
    }

    fn membership(&self, user: &UserId) -> Membership {
        match self.view("m.room.member", user.as_str()) {
            Some(View::Member(member)) => member.membership,
            _ => Membership::Leave,
        }
    }

    fn join_rule(&self) -> JoinRule {
        match self.view("m.room.join_rules", "") {
            Some(View::JoinRules(rule)) => rule,
            _ => JoinRule::Invite,
        }
    }

    fn third_party_invite(&self, token: &str) -> Option<Arc<Pdu>> {
        (self.0)("m.room.third_party_invite", token)
    }
}
