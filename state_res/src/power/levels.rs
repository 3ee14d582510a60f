//! The content of a power levels event.

use std::collections::BTreeMap;

use gantry_model::{Object, Pdu, RoomVersionRules, Value, canonical_json::MAX_INT, id::UserId};

/// The single levels of a power levels event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    UsersDefault,
    EventsDefault,
    StateDefault,
    Ban,
    Redact,
    Kick,
    Invite,
}

impl Field {
    pub(crate) const ALL: [Self; 7] = [
        Self::UsersDefault,
        Self::EventsDefault,
        Self::StateDefault,
        Self::Ban,
        Self::Redact,
        Self::Kick,
        Self::Invite,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UsersDefault => "users_default",
            Self::EventsDefault => "events_default",
            Self::StateDefault => "state_default",
            Self::Ban => "ban",
            Self::Redact => "redact",
            Self::Kick => "kick",
            Self::Invite => "invite",
        }
    }

    pub(crate) fn default_level(self) -> i64 {
        match self {
            Self::UsersDefault | Self::EventsDefault | Self::Invite => 0,
            Self::StateDefault | Self::Ban | Self::Redact | Self::Kick => 50,
        }
    }
}

/// A power levels event, parsed. What cannot be read is absent.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    fields: [Option<i64>; Field::ALL.len()],
    pub(crate) users: BTreeMap<String, i64>,
    pub(crate) events: BTreeMap<String, i64>,
    pub(crate) notifications: BTreeMap<String, i64>,
}

impl Levels {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        let (content, rules) = (pdu.content(), pdu.rules());
        let map = |key: &str| -> BTreeMap<String, i64> {
            content
                .get(key)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.to_string(), level(value, rules)?)))
                .collect()
        };
        Self {
            fields: Field::ALL.map(|field| field_level(content, field, rules)),
            users: map("users"),
            events: map("events"),
            notifications: map("notifications"),
        }
    }

    /// The level as the event has it, without the default.
    pub(crate) fn field(&self, field: Field) -> Option<i64> {
        self.fields[field as usize]
    }

    pub(crate) fn user(&self, user: &UserId) -> i64 {
        self.users
            .get(user.as_str())
            .copied()
            .or(self.field(Field::UsersDefault))
            .unwrap_or_else(|| Field::UsersDefault.default_level())
    }
}

fn field_level(content: &Object, field: Field, rules: &RoomVersionRules) -> Option<i64> {
    content
        .get(field.name())
        .and_then(|value| level(value, rules))
}

/// A level as the room version allows it to be written: until version 9 also as text, and where
/// canonical JSON is not enforced as a fraction, which loses what is behind the point.
pub(crate) fn level(value: &Value, rules: &RoomVersionRules) -> Option<i64> {
    match value {
        Value::Int(level) => Some(*level),
        Value::String(text) if !rules.integer_power_levels => text_level(text),
        Value::Number(number) if !rules.strict_json => number
            .as_f64()
            .map(|number| number as i64)
            .filter(|level| is_canonical(*level)),
        _ => None,
    }
}

fn text_level(text: &str) -> Option<i64> {
    text.trim()
        .parse()
        .ok()
        .filter(|level| is_canonical(*level))
}

fn is_canonical(level: i64) -> bool {
    (-MAX_INT..=MAX_INT).contains(&level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gantry_model::RoomVersion;

    #[test]
    fn levels_are_read_as_their_room_version_writes_them() {
        let read = |json: &str, version: RoomVersion| {
            level(&Value::parse(json.as_bytes()).unwrap(), version.rules())
        };

        assert_eq!(read("5", RoomVersion::V12), Some(5));
        assert_eq!(read("\" +7 \"", RoomVersion::V9), Some(7));
        assert_eq!(read("\"7\"", RoomVersion::V10), None);
        assert_eq!(read("50.9", RoomVersion::V5), Some(50));
        assert_eq!(read("50.9", RoomVersion::V6), None);
        assert_eq!(read("\"99999999999999999999\"", RoomVersion::V1), None);
        assert_eq!(read("[]", RoomVersion::V1), None);
    }
}
