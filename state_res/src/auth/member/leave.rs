//! Rule 4.5: leaving, kicking and lifting bans.

use super::{Change, ensure};
use crate::{Rejection, view::Membership};

/// Rule 4.5 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>.
pub(super) fn check(change: &Change<'_>) -> Result<(), Rejection> {
    let current = change.current();
    // Rule 4.5.1.
    if change.is_own() {
        let has_knocked = change.pdu.rules().knocking && current == Membership::Knock;
        return ensure(
            current.is_join_or_invite() || has_knocked,
            Rejection::LeaveWithoutBeingIn,
        );
    }
    // Rule 4.5.2.
    change.sender_is_joined()?;
    // Rule 4.5.3.
    let levels = change.levels();
    let sender_level = levels.for_user(change.pdu.sender());
    ensure(
        current != Membership::Ban || sender_level >= levels.ban(),
        Rejection::UnbanLevel,
    )?;
    // Rules 4.5.4 and 4.5.5.
    ensure(
        sender_level >= levels.kick() && levels.for_user(change.target) < sender_level,
        Rejection::KickLevel,
    )
}
