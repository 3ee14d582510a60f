//! Rule 11 of room versions 1 and 2: `m.room.redaction`.

use gantry_model::Pdu;

use super::ensure;
use crate::{PowerLevels, Rejection};

/// Rule 11 of <https://spec.matrix.org/v1.19/rooms/v1/#authorization-rules>. Later versions let
/// every redaction in and decide when it is applied.
pub(super) fn check(pdu: &Pdu, sender_level: i64, levels: &PowerLevels) -> Result<(), Rejection> {
    let is_of_same_server = pdu.redacts().is_some_and(|target| {
        target.server_name().is_some() && target.server_name() == pdu.event_id().server_name()
    });
    ensure(
        sender_level >= levels.redact() || is_of_same_server,
        Rejection::RedactionLevel,
    )
}
