//! Rule 1: `m.room.create`.

use gantry_model::{Pdu, RoomVersionRules, Value, id::parse_user};

use super::ensure;
use crate::Rejection;

/// Rule 1 of <https://spec.matrix.org/v1.19/rooms/v12/#authorization-rules> and its older forms.
pub(super) fn check(pdu: &Pdu) -> Result<(), Rejection> {
    let rules = pdu.rules();
    // Rule 1.1.
    ensure(pdu.prev_events().is_empty(), Rejection::CreateNotFirst)?;
    // Rule 1.2.
    ensure(has_right_room_id(pdu, rules), Rejection::CreateRoomId)?;
    // Rule 1.3.
    ensure(names_version(pdu, rules), Rejection::CreateVersion)?;
    // Rule 1.4 of versions 1 to 10.
    let has_creator = rules.creator_is_sender || pdu.content().contains_key("creator");
    ensure(has_creator, Rejection::CreateWithoutCreator)?;
    // Rule 1.4 of version 12.
    ensure(
        has_right_creators(pdu, rules),
        Rejection::AdditionalCreators,
    )
}

fn has_right_room_id(pdu: &Pdu, rules: &RoomVersionRules) -> bool {
    if rules.room_id_is_create_hash {
        !pdu.object().contains_key("room_id")
    } else {
        pdu.room_id().server_name() == Some(pdu.sender().server_name())
    }
}

/// The version that the event was parsed with is known; here it must be the one that it names.
fn names_version(pdu: &Pdu, rules: &RoomVersionRules) -> bool {
    match pdu.content().get("room_version") {
        None => true,
        Some(version) => version.as_str() == Some(rules.version.as_str()),
    }
}

fn has_right_creators(pdu: &Pdu, rules: &RoomVersionRules) -> bool {
    if !rules.privileged_creators {
        return true;
    }
    match pdu.content().get("additional_creators") {
        None => true,
        Some(Value::Array(creators)) => creators
            .iter()
            .all(|creator| creator.as_str().and_then(parse_user).is_some()),
        Some(_) => false,
    }
}
