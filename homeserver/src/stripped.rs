//! What an outsider who is invited may know of a room.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#stripped-state>.

use gantry_model::{Object, Pdu, Value, id::UserId};
use gantry_rooms::RoomView;

use crate::content::object;

/// The state events that are shown, besides the memberships of the invited and the inviter.
const SHOWN: [&str; 7] = [
    "m.room.create",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.avatar",
    "m.room.name",
    "m.room.topic",
    "m.room.encryption",
];

/// The stripped state of a room for a user, his own membership last.
pub(crate) fn stripped_state(view: &RoomView, user: &UserId) -> Vec<Object> {
    let own = view.state("m.room.member", user.as_str());
    let inviter = own
        .as_ref()
        .filter(|own| own.sender() != user)
        .and_then(|own| view.state("m.room.member", own.sender().as_str()));
    SHOWN
        .iter()
        .filter_map(|kind| view.state(kind, ""))
        .chain(inviter)
        .chain(own)
        .map(|pdu| stripped(&pdu))
        .collect()
}

/// The stripped form of a state event.
pub(crate) fn stripped(pdu: &Pdu) -> Object {
    object([
        ("type", pdu.kind().into()),
        ("state_key", pdu.state_key().unwrap_or_default().into()),
        ("sender", pdu.sender().as_str().into()),
        ("content", Value::Object(pdu.content().clone())),
    ])
}

/// The stripped state that goes with an invite to another server: whole events where the room's
/// version wants the receiver to check them (v12: the create event at least), stripped elsewhere.
pub(crate) fn invite_state(view: &RoomView) -> Vec<Object> {
    SHOWN
        .iter()
        .filter_map(|kind| view.state(kind, ""))
        .map(|pdu| pdu.object().clone())
        .collect()
}
