//! Rule 4.4: inviting.

use super::{Change, ensure};
use crate::{Rejection, auth::third_party_invite, view::Membership};

/// Rule 4.4 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>.
pub(super) fn check(change: &Change<'_>) -> Result<(), Rejection> {
    // Rule 4.4.1.
    if let Some(invite) = change.pdu.content().get("third_party_invite") {
        ensure(change.current() != Membership::Ban, Rejection::Banned)?;
        return third_party_invite::check(change.pdu, invite, change.state);
    }
    // Rule 4.4.2.
    change.sender_is_joined()?;
    // Rule 4.4.3.
    let is_free = !matches!(change.current(), Membership::Join | Membership::Ban);
    ensure(is_free, Rejection::InviteTarget)?;
    // Rules 4.4.4 and 4.4.5.
    let levels = change.levels();
    ensure(
        levels.for_user(change.pdu.sender()) >= levels.invite(),
        Rejection::InviteLevel,
    )
}
