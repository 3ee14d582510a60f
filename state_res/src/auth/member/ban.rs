//! Rule 4.6: banning.

use super::{Change, ensure};
use crate::Rejection;

/// Rule 4.6 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>.
pub(super) fn check(change: &Change<'_>) -> Result<(), Rejection> {
    // Rule 4.6.1.
    change.sender_is_joined()?;
    // Rules 4.6.2 and 4.6.3.
    let levels = change.levels();
    let sender_level = levels.for_user(change.pdu.sender());
    ensure(
        sender_level >= levels.ban() && levels.for_user(change.target) < sender_level,
        Rejection::BanLevel,
    )
}
