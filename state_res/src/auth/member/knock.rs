//! Rule 4.7: knocking.

use super::{Change, ensure};
use crate::{
    Rejection,
    view::{JoinRule, Membership},
};

/// Rule 4.7 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>, from version 7 on.
pub(super) fn check(change: &Change<'_>) -> Result<(), Rejection> {
    // Rule 4.7.1.
    let may_knock = match change.state.join_rule() {
        JoinRule::Knock => true,
        JoinRule::KnockRestricted => change.pdu.rules().knock_restricted,
        _ => false,
    };
    ensure(may_knock, Rejection::KnockRule)?;
    // Rule 4.7.2.
    ensure(change.is_own(), Rejection::KnockForOther)?;
    // Rules 4.7.3 and 4.7.4.
    let is_outside = !matches!(
        change.current(),
        Membership::Ban | Membership::Invite | Membership::Join
    );
    ensure(is_outside, Rejection::KnockMembership)
}
