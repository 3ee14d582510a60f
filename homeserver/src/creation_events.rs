//! The first events of a room, in the order of the specification.

use gantry_model::{
    ErrorKind, Object, RoomVersionRules, Value,
    id::{OwnedUserId, RoomAliasId, UserId},
};
use gantry_rooms::NewEvent;

use crate::{
    CreateRoom, Error, Preset, Result,
    content::{object, text},
    membership::MEMBER,
};

const CREATE: &str = "m.room.create";
const POWER_LEVELS: &str = "m.room.power_levels";

/// The content of the create event. What the server decides is not the client's to say.
pub(crate) fn create_content(
    wish: &CreateRoom,
    creator: &UserId,
    rules: &RoomVersionRules,
) -> Result<Object> {
    let mut content = wish.creation_content.clone();
    content.insert("room_version", rules.version.as_str().into());
    content.remove("creator");
    if !rules.creator_is_sender {
        content.insert("creator", creator.as_str().into());
    }
    if rules.privileged_creators {
        let creators = additional_creators(wish, creator)?;
        content.remove("additional_creators");
        if !creators.is_empty() {
            let creators = creators
                .iter()
                .map(|user| user.as_str().into())
                .collect::<Vec<Value>>();
            content.insert("additional_creators", creators.into());
        }
    }
    Ok(content)
}

/// Who else is a creator: who the client names, and in a trusted private chat all who are invited.
fn additional_creators(wish: &CreateRoom, creator: &UserId) -> Result<Vec<OwnedUserId>> {
    let malformed = || {
        Error::refused(
            ErrorKind::InvalidParam,
            "additional_creators is not a list of users",
        )
    };
    let named = match wish.creation_content.get("additional_creators") {
        None => &[],
        Some(Value::Array(named)) => named.as_slice(),
        Some(_) => return Err(malformed()),
    };
    let mut creators: Vec<OwnedUserId> = Vec::new();
    for user in named {
        let user = user.as_str().and_then(gantry_model::id::parse_user);
        creators.push(user.ok_or_else(malformed)?);
    }
    if wish.effective_preset() == Preset::TrustedPrivateChat {
        creators.extend(wish.invite.iter().cloned());
    }
    creators.retain(|user| user != creator);
    creators.sort_unstable();
    creators.dedup();
    Ok(creators)
}

/// All events after the create event: the creator's join, power levels, canonical alias, the
/// preset's settings, the initial state, name and topic.
pub(crate) fn first_events(
    wish: &CreateRoom,
    creator: &OwnedUserId,
    rules: &RoomVersionRules,
    member: Object,
    alias: Option<&RoomAliasId>,
) -> Vec<NewEvent> {
    let mut events: Vec<(&str, &str, Object)> = vec![(MEMBER, creator.as_str(), member)];
    events.push((POWER_LEVELS, "", power_levels(wish, creator, rules)));
    if let Some(alias) = alias {
        events.push(("m.room.canonical_alias", "", text("alias", alias.as_str())));
    }
    let given = |kind: &str| {
        wish.initial_state
            .iter()
            .any(|state| state.kind == kind && state.state_key.is_empty())
    };
    events.extend(
        preset_state(wish.effective_preset())
            .into_iter()
            .filter(|(kind, ..)| !given(kind)),
    );
    let initial = wish
        .initial_state
        .iter()
        .filter(|state| !is_settled(&state.kind));
    events.extend(initial.map(|state| (&*state.kind, &*state.state_key, state.content.clone())));
    if let Some(name) = wish.name.as_deref().filter(|name| !name.is_empty()) {
        events.push(("m.room.name", "", text("name", name)));
    }
    if let Some(topic) = wish.topic.as_deref() {
        events.push(("m.room.topic", "", topic_content(topic)));
    }
    events
        .into_iter()
        .map(|(kind, state_key, content)| {
            NewEvent::state(creator.clone(), kind, state_key, content)
        })
        .collect()
}

/// Whether initial state of this type has its place before the initial state.
fn is_settled(kind: &str) -> bool {
    matches!(kind, CREATE | POWER_LEVELS)
}

fn preset_state(preset: Preset) -> Vec<(&'static str, &'static str, Object)> {
    let join_rule = match preset {
        Preset::PublicChat => "public",
        Preset::PrivateChat | Preset::TrustedPrivateChat => "invite",
    };
    let mut state = vec![
        ("m.room.join_rules", "", text("join_rule", join_rule)),
        (
            "m.room.history_visibility",
            "",
            text("history_visibility", "shared"),
        ),
    ];
    if preset != Preset::PublicChat {
        state.push(("m.room.guest_access", "", text("guest_access", "can_join")));
    }
    state
}

/// The power levels: those of the initial state, or the default ones; then the client's override.
fn power_levels(wish: &CreateRoom, creator: &UserId, rules: &RoomVersionRules) -> Object {
    let given = wish
        .initial_state
        .iter()
        .find(|state| state.kind == POWER_LEVELS);
    let mut levels = match given {
        Some(given) => given.content.clone(),
        None => default_power_levels(wish, creator, rules),
    };
    levels.extend(
        wish.power_level_content_override
            .clone()
            .unwrap_or_default(),
    );
    levels
}

fn default_power_levels(wish: &CreateRoom, creator: &UserId, rules: &RoomVersionRules) -> Object {
    let preset = wish.effective_preset();
    let mut users = Object::new();
    // Privileged creators stand above all levels, and may not be named in them.
    if !rules.privileged_creators {
        users.insert(creator.to_string(), 100.into());
        if preset == Preset::TrustedPrivateChat {
            users.extend(
                wish.invite
                    .iter()
                    .map(|user| (user.to_string(), 100.into())),
            );
        }
    }
    let tombstone = if rules.privileged_creators { 150 } else { 100 };
    let events = object([
        ("m.room.name", 50.into()),
        ("m.room.power_levels", 100.into()),
        ("m.room.history_visibility", 100.into()),
        ("m.room.canonical_alias", 50.into()),
        ("m.room.avatar", 50.into()),
        ("m.room.tombstone", tombstone.into()),
        ("m.room.server_acl", 100.into()),
        ("m.room.encryption", 100.into()),
    ]);
    let invite = if preset == Preset::PublicChat { 50 } else { 0 };
    object([
        ("users", users.into()),
        ("users_default", 0.into()),
        ("events", events.into()),
        ("events_default", 0.into()),
        ("state_default", 50.into()),
        ("ban", 50.into()),
        ("kick", 50.into()),
        ("redact", 50.into()),
        ("invite", invite.into()),
        ("historical", 100.into()),
    ])
}

/// A topic in both of its forms.
fn topic_content(topic: &str) -> Object {
    let plain = object([("body", topic.into()), ("mimetype", "text/plain".into())]);
    object([
        ("topic", topic.into()),
        (
            "m.topic",
            object([("m.text", vec![Value::Object(plain)].into())]).into(),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use gantry_model::{RoomVersion, canonical_json::parse_object};
    use ruma::{room_alias_id, user_id};

    use super::*;
    use crate::{InitialState, Visibility};

    fn kinds(wish: &CreateRoom, version: RoomVersion) -> Vec<String> {
        let alice = user_id!("@a:b").to_owned();
        let member = text("membership", "join");
        let alias = room_alias_id!("#x:b");
        first_events(wish, &alice, version.rules(), member, Some(alias))
            .into_iter()
            .map(|event| event.kind)
            .collect()
    }

    fn state(kind: &str) -> InitialState {
        InitialState {
            kind: kind.to_owned(),
            state_key: String::new(),
            content: Object::new(),
        }
    }

    #[test]
    fn events_follow_in_the_order_of_the_specification() {
        let wish = CreateRoom {
            name: Some("n".to_owned()),
            topic: Some("t".to_owned()),
            initial_state: vec![state("m.room.encryption"), state("m.room.join_rules")],
            ..CreateRoom::default()
        };

        assert_eq!(
            kinds(&wish, RoomVersion::V11),
            [
                "m.room.member",
                "m.room.power_levels",
                "m.room.canonical_alias",
                "m.room.history_visibility",
                "m.room.guest_access",
                "m.room.encryption",
                "m.room.join_rules",
                "m.room.name",
                "m.room.topic",
            ]
        );
    }

    #[test]
    fn a_public_room_is_open_and_takes_no_guests() {
        let wish = CreateRoom {
            visibility: Visibility::Public,
            ..CreateRoom::default()
        };

        assert_eq!(wish.effective_preset(), Preset::PublicChat);
        assert!(!kinds(&wish, RoomVersion::V11).contains(&"m.room.guest_access".to_owned()));
    }

    #[test]
    fn from_version_12_on_creators_have_no_level() {
        let alice = user_id!("@a:b");
        let wish = CreateRoom {
            preset: Some(Preset::TrustedPrivateChat),
            invite: vec![user_id!("@c:d").to_owned()],
            ..CreateRoom::default()
        };

        let old = power_levels(&wish, alice, RoomVersion::V11.rules());
        let new = power_levels(&wish, alice, RoomVersion::V12.rules());
        let create = create_content(&wish, alice, RoomVersion::V12.rules()).expect("content");

        let users = parse_object(br#"{"@a:b":100,"@c:d":100}"#).expect("an object");
        assert_eq!(old["users"], users.into());
        assert_eq!(new["users"], Object::new().into());
        assert_eq!(
            create["additional_creators"],
            vec![Value::from("@c:d")].into()
        );
    }

    #[test]
    fn the_creator_and_the_version_are_ours_to_say() {
        let alice = user_id!("@a:b");
        let mut wish = CreateRoom::default();
        wish.creation_content.insert("creator", "@evil:b".into());
        wish.creation_content.insert("room_version", "99".into());
        wish.creation_content.insert("m.federate", false.into());

        let old = create_content(&wish, alice, RoomVersion::V10.rules()).expect("content");
        let new = create_content(&wish, alice, RoomVersion::V11.rules()).expect("content");

        assert_eq!(old["creator"], "@a:b".into());
        assert_eq!(old["room_version"], "10".into());
        assert!(!new.contains_key("creator"));
        assert_eq!(new["m.federate"], false.into());
    }

    #[test]
    fn an_override_takes_the_place_of_whole_keys() {
        let wish = CreateRoom {
            power_level_content_override: Some(
                parse_object(br#"{"invite":75,"events":{}}"#).expect("an object"),
            ),
            ..CreateRoom::default()
        };

        let levels = power_levels(&wish, user_id!("@a:b"), RoomVersion::V11.rules());

        assert_eq!(levels["invite"], 75.into());
        assert_eq!(levels["events"], Object::new().into());
        assert_eq!(levels["kick"], 50.into());
    }

    #[test]
    fn additional_creators_that_are_no_users_are_refused() {
        let mut wish = CreateRoom::default();
        let named: Vec<Value> = vec!["nobody".into()];
        wish.creation_content
            .insert("additional_creators", named.into());

        let result = create_content(&wish, user_id!("@a:b"), RoomVersion::V12.rules());

        assert_eq!(
            result.expect_err("not users").kind(),
            ErrorKind::InvalidParam
        );
    }
}
