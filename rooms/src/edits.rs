//! Which edit of an event counts.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#event-replacements>.

use gantry_model::Pdu;

use crate::RoomEvent;

/// The newest of the edits of an event that are valid, by the time of the sender's server, then by
/// id; a redacted event has none.
pub fn newest_edit<'a>(
    original: &RoomEvent,
    edits: impl Iterator<Item = &'a RoomEvent>,
) -> Option<&'a RoomEvent> {
    if original.redacted_because.is_some() {
        return None;
    }
    edits
        .filter(|edit| edit.redacted_because.is_none() && is_valid_edit(&original.pdu, &edit.pdu))
        .max_by_key(|edit| (edit.pdu.origin_server_ts(), edit.event_id()))
}

/// Whether one event is a valid replacement of another:
/// <https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events>.
fn is_valid_edit(original: &Pdu, edit: &Pdu) -> bool {
    original.sender() == edit.sender()
        && original.kind() == edit.kind()
        && edit.state_key().is_none()
        && (edit.kind() == "m.room.encrypted"
            || edit
                .content()
                .get("m.new_content")
                .is_some_and(|content| content.as_object().is_some()))
}
