//! Redaction: what is left of an event when its content is taken away.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#redactions>, and the pages of
//! the room versions.

use crate::{
    canonical_json::{Object, Value},
    room_version::RoomVersionRules,
};

const TOP_LEVEL: [&str; 12] = [
    "event_id",
    "type",
    "room_id",
    "sender",
    "state_key",
    "content",
    "hashes",
    "signatures",
    "depth",
    "prev_events",
    "auth_events",
    "origin_server_ts",
];

/// The event without what its redaction takes. `unsigned` goes too.
pub fn redact(event: &Object, rules: &RoomVersionRules) -> Object {
    let kind = event
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    event
        .iter()
        .filter(|(key, _)| keeps_key(key, rules))
        .map(|(key, value)| {
            let value = match (key.as_str(), value) {
                ("content", Value::Object(content)) => {
                    Value::Object(redact_content(kind, content, rules))
                }
                _ => value.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}

fn keeps_key(key: &str, rules: &RoomVersionRules) -> bool {
    TOP_LEVEL.contains(&key)
        || (rules.redaction.keep_origin && matches!(key, "origin" | "membership" | "prev_state"))
}

/// The content that an event of this type keeps.
pub fn redact_content(kind: &str, content: &Object, rules: &RoomVersionRules) -> Object {
    let keep = rules.redaction;
    let keys: &[&str] = match kind {
        "m.room.create" if keep.keep_create_content => return content.clone(),
        "m.room.create" => &["creator"],
        "m.room.member" if keep.keep_member_authorised_via => {
            &["membership", "join_authorised_via_users_server"]
        }
        "m.room.member" => &["membership"],
        "m.room.join_rules" if keep.keep_join_rules_allow => &["join_rule", "allow"],
        "m.room.join_rules" => &["join_rule"],
        "m.room.power_levels" if keep.keep_power_levels_invite => &[
            "ban",
            "events",
            "events_default",
            "invite",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
        ],
        "m.room.power_levels" => &[
            "ban",
            "events",
            "events_default",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
        ],
        "m.room.history_visibility" => &["history_visibility"],
        "m.room.redaction" if keep.keep_redacts => &["redacts"],
        "m.room.aliases" if keep.keep_aliases => &["aliases"],
        _ => &[],
    };
    let mut kept: Object = keys
        .iter()
        .filter_map(|key| {
            content
                .get(key)
                .map(|value| ((*key).to_owned(), value.clone()))
        })
        .collect();
    if kind == "m.room.member" && keep.keep_member_third_party_signed {
        let signed = content
            .get("third_party_invite")
            .and_then(Value::as_object)
            .and_then(|invite| invite.get("signed"));
        if let Some(signed) = signed {
            let invite = Object::from([("signed".to_owned(), signed.clone())]);
            kept.insert("third_party_invite", invite.into());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RoomVersion, canonical_json::parse_object};

    fn kept(version: RoomVersion, event: &str) -> String {
        let event = parse_object(event.as_bytes()).unwrap();
        Value::Object(redact(&event, version.rules())).to_string_for_test()
    }

    impl Value {
        fn to_string_for_test(&self) -> String {
            String::from_utf8(self.to_bytes()).unwrap()
        }
    }

    #[test]
    fn a_message_loses_its_content_and_foreign_keys() {
        let event = r#"{"type":"m.room.message","content":{"body":"x"},"origin":"a","x":1}"#;

        assert_eq!(
            kept(RoomVersion::V10, event),
            r#"{"content":{},"origin":"a","type":"m.room.message"}"#
        );
        assert_eq!(
            kept(RoomVersion::V11, event),
            r#"{"content":{},"type":"m.room.message"}"#
        );
    }

    #[test]
    fn a_member_keeps_what_its_version_keeps() {
        let event = r#"{"type":"m.room.member","content":{"membership":"join","displayname":"x",
            "join_authorised_via_users_server":"@a:b","third_party_invite":{"signed":{},"x":1}}}"#;

        assert_eq!(
            kept(RoomVersion::V8, event),
            r#"{"content":{"membership":"join"},"type":"m.room.member"}"#
        );
        assert_eq!(
            kept(RoomVersion::V9, event),
            r#"{"content":{"join_authorised_via_users_server":"@a:b","membership":"join"},"type":"m.room.member"}"#
        );
        assert_eq!(
            kept(RoomVersion::V11, event),
            r#"{"content":{"join_authorised_via_users_server":"@a:b","membership":"join","third_party_invite":{"signed":{}}},"type":"m.room.member"}"#
        );
    }

    #[test]
    fn the_create_event_keeps_everything_from_version_11_on() {
        let event = r#"{"type":"m.room.create","content":{"creator":"@a:b","room_version":"1"}}"#;

        assert!(!kept(RoomVersion::V10, event).contains("room_version"));
        assert!(kept(RoomVersion::V11, event).contains("room_version"));
    }

    #[test]
    fn aliases_and_allow_follow_their_versions() {
        let aliases = r##"{"type":"m.room.aliases","content":{"aliases":["#a:b"]}}"##;
        let rules = r#"{"type":"m.room.join_rules","content":{"join_rule":"x","allow":[]}}"#;

        assert!(kept(RoomVersion::V5, aliases).contains("#a:b"));
        assert!(!kept(RoomVersion::V6, aliases).contains("#a:b"));
        assert!(!kept(RoomVersion::V7, rules).contains("allow"));
        assert!(kept(RoomVersion::V8, rules).contains("allow"));
    }
}
