//! Rule 4.3: joining.

use gantry_model::id::UserId;

use super::{Change, ensure};
use crate::{
    Rejection,
    view::{JoinRule, Membership},
};

/// Rule 4.3 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>.
pub(super) fn check(change: &Change<'_>) -> Result<(), Rejection> {
    let rules = change.pdu.rules();
    let via = change.authorised_via()?;
    // Rule 4.3.1.
    if is_first_join(change) {
        return Ok(());
    }
    // Rule 4.3.2.
    ensure(change.is_own(), Rejection::JoinForOther)?;
    // Rule 4.3.3.
    let current = change.current();
    ensure(current != Membership::Ban, Rejection::Banned)?;
    let is_in = current.is_join_or_invite();
    match change.state.join_rule() {
        // Rule 4.3.4.
        JoinRule::Invite => ensure(is_in, Rejection::JoinRule),
        JoinRule::Knock if rules.knocking => ensure(is_in, Rejection::JoinRule),
        // Rule 4.3.5.
        JoinRule::Restricted if rules.restricted => ensure(
            is_in || is_authorised(change, via),
            Rejection::JoinNotAuthorised,
        ),
        JoinRule::KnockRestricted if rules.knock_restricted => ensure(
            is_in || is_authorised(change, via),
            Rejection::JoinNotAuthorised,
        ),
        // Rule 4.3.6.
        JoinRule::Public => Ok(()),
        // Rule 4.3.7.
        _ => Err(Rejection::JoinRule),
    }
}

/// Rule 4.3.1: the creator's join, straight behind the create event.
fn is_first_join(change: &Change<'_>) -> bool {
    change.create.creator.as_deref() == Some(change.target)
        && matches!(change.pdu.prev_events(), [only] if *only == change.create.event_id)
}

/// Rule 4.3.5.2: a member who may invite stands for the join.
fn is_authorised(change: &Change<'_>, via: Option<&UserId>) -> bool {
    let Some(via) = via else { return false };
    let levels = change.levels();
    change.state.is_joined(via) && levels.for_user(via) >= levels.invite()
}
