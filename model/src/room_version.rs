//! Every difference between room versions, as one table.
//!
//! Specification: <https://spec.matrix.org/v1.19/rooms/>. Code elsewhere asks the rules, never for
//! the number of the version.

use std::{fmt, str::FromStr};

/// A room version that Gantry knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the number says it")]
pub enum RoomVersion {
    V1 = 1,
    V2,
    V3,
    V4,
    V5,
    V6,
    V7,
    V8,
    V9,
    V10,
    V11,
    V12,
    /// Version 10 with owned state (MSC3757).
    Owned10,
    /// Version 11 with owned state (MSC3757).
    Owned11,
}

/// Where an event's id comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventIdFormat {
    /// Chosen by the sender's server, written in the event (versions 1 and 2).
    Chosen,
    /// The reference hash in standard base64 (version 3).
    HashStandard,
    /// The reference hash in URL-safe base64 (version 4 and later).
    HashUrlSafe,
}

/// Which algorithm resolves conflicting states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateResolution {
    /// Version 1 of the algorithm.
    V1,
    /// Version 2.
    V2,
    /// Version 2.1 (MSC4297).
    V2_1,
}

/// What redaction keeps, where versions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedactionRules {
    /// `m.room.aliases` keeps `aliases`.
    pub keep_aliases: bool,
    /// `m.room.join_rules` keeps `allow`.
    pub keep_join_rules_allow: bool,
    /// `m.room.member` keeps `join_authorised_via_users_server`.
    pub keep_member_authorised_via: bool,
    /// `m.room.member` keeps `third_party_invite.signed`.
    pub keep_member_third_party_signed: bool,
    /// `m.room.create` keeps its whole content.
    pub keep_create_content: bool,
    /// `m.room.power_levels` keeps `invite`.
    pub keep_power_levels_invite: bool,
    /// `m.room.redaction` keeps `redacts` in its content.
    pub keep_redacts: bool,
    /// The top-level keys `origin`, `membership` and `prev_state` stay.
    pub keep_origin: bool,
}

/// The rules of one room version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomVersionRules {
    /// The version.
    pub version: RoomVersion,
    /// Where event ids come from.
    pub event_id: EventIdFormat,
    /// How conflicting states are resolved.
    pub state_resolution: StateResolution,
    /// What redaction keeps.
    pub redaction: RedactionRules,
    /// Authorization has a rule of its own for `m.room.redaction` (versions 1 and 2).
    pub redaction_auth_rule: bool,
    /// Authorization has a rule of its own for `m.room.aliases` (versions 1 to 5).
    pub aliases_auth_rule: bool,
    /// A signing key must have been valid when the event was made (from 5).
    pub key_validity: bool,
    /// Numbers must be canonical integers (from 6).
    pub strict_json: bool,
    /// Changes of `notifications` in power levels are checked like those of `events` (from 6).
    pub check_notification_levels: bool,
    /// Knocking exists (from 7).
    pub knocking: bool,
    /// The join rule `restricted` exists (from 8).
    pub restricted: bool,
    /// The join rule `knock_restricted` exists (from 10).
    pub knock_restricted: bool,
    /// Power levels must be integers, not text (from 10).
    pub integer_power_levels: bool,
    /// The creator is the sender of the create event, not its content's `creator` (from 11).
    pub creator_is_sender: bool,
    /// A redaction names its target in its content (from 11).
    pub redacts_in_content: bool,
    /// The room id is the hash of the create event, which has none itself and is in nobody's
    /// auth events (from 12).
    pub room_id_is_create_hash: bool,
    /// Creators, also additional ones, stand above all power levels (from 12).
    pub privileged_creators: bool,
    /// State whose key begins with a user id is that user's, and of those who stand above him
    /// (MSC3757); elsewhere nobody but he sets state whose key begins with `@`.
    pub owned_state: bool,
    /// The version is of no specification yet.
    pub unstable: bool,
}

const REDACTION_V1: RedactionRules = RedactionRules {
    keep_aliases: true,
    keep_join_rules_allow: false,
    keep_member_authorised_via: false,
    keep_member_third_party_signed: false,
    keep_create_content: false,
    keep_power_levels_invite: false,
    keep_redacts: false,
    keep_origin: true,
};
const REDACTION_V6: RedactionRules = RedactionRules {
    keep_aliases: false,
    ..REDACTION_V1
};
const REDACTION_V8: RedactionRules = RedactionRules {
    keep_join_rules_allow: true,
    ..REDACTION_V6
};
const REDACTION_V9: RedactionRules = RedactionRules {
    keep_member_authorised_via: true,
    ..REDACTION_V8
};
const REDACTION_V11: RedactionRules = RedactionRules {
    keep_member_third_party_signed: true,
    keep_create_content: true,
    keep_power_levels_invite: true,
    keep_redacts: true,
    keep_origin: false,
    ..REDACTION_V9
};

const V1: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V1,
    event_id: EventIdFormat::Chosen,
    state_resolution: StateResolution::V1,
    redaction: REDACTION_V1,
    redaction_auth_rule: true,
    aliases_auth_rule: true,
    key_validity: false,
    strict_json: false,
    check_notification_levels: false,
    knocking: false,
    restricted: false,
    knock_restricted: false,
    integer_power_levels: false,
    creator_is_sender: false,
    redacts_in_content: false,
    room_id_is_create_hash: false,
    privileged_creators: false,
    owned_state: false,
    unstable: false,
};
const V2: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V2,
    state_resolution: StateResolution::V2,
    ..V1
};
const V3: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V3,
    event_id: EventIdFormat::HashStandard,
    redaction_auth_rule: false,
    ..V2
};
const V4: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V4,
    event_id: EventIdFormat::HashUrlSafe,
    ..V3
};
const V5: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V5,
    key_validity: true,
    ..V4
};
const V6: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V6,
    redaction: REDACTION_V6,
    aliases_auth_rule: false,
    strict_json: true,
    check_notification_levels: true,
    ..V5
};
const V7: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V7,
    knocking: true,
    ..V6
};
const V8: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V8,
    redaction: REDACTION_V8,
    restricted: true,
    ..V7
};
const V9: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V9,
    redaction: REDACTION_V9,
    ..V8
};
const V10: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V10,
    knock_restricted: true,
    integer_power_levels: true,
    ..V9
};
const V11: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V11,
    redaction: REDACTION_V11,
    creator_is_sender: true,
    redacts_in_content: true,
    ..V10
};
const V12: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::V12,
    state_resolution: StateResolution::V2_1,
    room_id_is_create_hash: true,
    privileged_creators: true,
    ..V11
};

const OWNED10: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::Owned10,
    owned_state: true,
    unstable: true,
    ..V10
};
const OWNED11: RoomVersionRules = RoomVersionRules {
    version: RoomVersion::Owned11,
    owned_state: true,
    unstable: true,
    ..V11
};

impl RoomVersion {
    /// All versions, oldest first; then those of no specification.
    pub const ALL: [Self; 14] = [
        Self::V1,
        Self::V2,
        Self::V3,
        Self::V4,
        Self::V5,
        Self::V6,
        Self::V7,
        Self::V8,
        Self::V9,
        Self::V10,
        Self::V11,
        Self::V12,
        Self::Owned10,
        Self::Owned11,
    ];

    /// The rules of this version.
    pub const fn rules(self) -> &'static RoomVersionRules {
        match self {
            Self::V1 => &V1,
            Self::V2 => &V2,
            Self::V3 => &V3,
            Self::V4 => &V4,
            Self::V5 => &V5,
            Self::V6 => &V6,
            Self::V7 => &V7,
            Self::V8 => &V8,
            Self::V9 => &V9,
            Self::V10 => &V10,
            Self::V11 => &V11,
            Self::V12 => &V12,
            Self::Owned10 => &OWNED10,
            Self::Owned11 => &OWNED11,
        }
    }

    /// The version as rooms write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
            Self::V3 => "3",
            Self::V4 => "4",
            Self::V5 => "5",
            Self::V6 => "6",
            Self::V7 => "7",
            Self::V8 => "8",
            Self::V9 => "9",
            Self::V10 => "10",
            Self::V11 => "11",
            Self::V12 => "12",
            Self::Owned10 => "org.matrix.msc3757.10",
            Self::Owned11 => "org.matrix.msc3757.11",
        }
    }
}

impl fmt::Display for RoomVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text names no room version that Gantry knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown room version")]
pub struct UnknownRoomVersion;

impl FromStr for RoomVersion {
    type Err = UnknownRoomVersion;

    fn from_str(text: &str) -> Result<Self, UnknownRoomVersion> {
        Self::ALL
            .into_iter()
            .find(|version| version.as_str() == text)
            .ok_or(UnknownRoomVersion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_own_row() {
        for version in RoomVersion::ALL {
            assert_eq!(version.rules().version, version);
            assert_eq!(version.as_str().parse(), Ok(version));
        }
    }
}
