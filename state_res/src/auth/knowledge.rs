//! What the rules ask of a state.

use std::sync::Arc;

use gantry_model::{Pdu, id::UserId};

use crate::{
    power::Levels,
    view::{Create, JoinRule, Membership},
};

/// The few facts of a state that the authorization rules look at, parsed.
pub(crate) trait Knowledge {
    /// The create event.
    fn create(&self) -> Option<Arc<Create>>;
    /// The power levels event.
    fn levels(&self) -> Option<Arc<Levels>>;
    /// A user's membership; `Leave` where the state has none.
    fn membership(&self, user: &UserId) -> Membership;
    /// The join rule; `Invite` where the state has none, as Synapse and Dendrite have it.
    fn join_rule(&self) -> JoinRule;
    /// The third-party invite with this token.
    fn third_party_invite(&self, token: &str) -> Option<Arc<Pdu>>;

    fn is_joined(&self, user: &UserId) -> bool {
        self.membership(user) == Membership::Join
    }
}
