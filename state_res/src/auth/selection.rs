//! Which state events authorize an event.

use gantry_model::{Object, RoomVersionRules, Value, id::UserId};

use crate::view::Membership;

/// The types and state keys of the events that authorize an event: the
/// [auth events selection](https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection).
/// From room version 12 on the create event is not among them.
pub fn auth_types(
    kind: &str,
    sender: &UserId,
    state_key: Option<&str>,
    content: &Object,
    rules: &RoomVersionRules,
) -> Vec<(String, String)> {
    if kind == "m.room.create" {
        return Vec::new();
    }
    let mut types = Vec::with_capacity(5);
    if !rules.room_id_is_create_hash {
        push(&mut types, "m.room.create", "");
    }
    push(&mut types, "m.room.power_levels", "");
    push(&mut types, "m.room.member", sender.as_str());
    if kind == "m.room.member"
        && let Some(target) = state_key
    {
        push_for_member(&mut types, target, content, rules);
    }
    types
}

fn push_for_member(
    types: &mut Vec<(String, String)>,
    target: &str,
    content: &Object,
    rules: &RoomVersionRules,
) {
    let membership = Membership::of_content(content);
    push(types, "m.room.member", target);
    if membership.is_join_or_invite() || membership == Membership::Knock {
        push(types, "m.room.join_rules", "");
    }
    if membership == Membership::Invite
        && let Some(token) = third_party_token(content)
    {
        push(types, "m.room.third_party_invite", token);
    }
    if membership == Membership::Join
        && rules.restricted
        && let Some(Value::String(user)) = content.get("join_authorised_via_users_server")
    {
        push(types, "m.room.member", user);
    }
}

fn push(types: &mut Vec<(String, String)>, kind: &str, state_key: &str) {
    let is_new = types
        .iter()
        .all(|(of_kind, key)| (of_kind.as_str(), key.as_str()) != (kind, state_key));
    if is_new {
        types.push((kind.to_owned(), state_key.to_owned()));
    }
}

fn third_party_token(content: &Object) -> Option<&str> {
    content
        .get("third_party_invite")?
        .as_object()?
        .get("signed")?
        .as_object()?
        .get("token")?
        .as_str()
}
