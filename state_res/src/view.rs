//! What the rules read of an event's content.

use std::sync::Arc;

use gantry_model::{
    Object, Pdu, Value,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId, UserId, parse_user},
};

use crate::power::Levels;

/// The membership of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// In the room.
    Join,
    /// Invited.
    Invite,
    /// Out of the room; also everybody of whom the state says nothing.
    Leave,
    /// Banned.
    Ban,
    /// Has asked to come in (from room version 7 on).
    Knock,
    /// A membership that no room version knows, or none at all.
    Unknown,
}

impl Membership {
    /// The membership in the content of a member event.
    pub fn of_content(content: &Object) -> Self {
        match content.get("membership").and_then(Value::as_str) {
            Some("join") => Self::Join,
            Some("invite") => Self::Invite,
            Some("leave") => Self::Leave,
            Some("ban") => Self::Ban,
            Some("knock") => Self::Knock,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn is_join_or_invite(self) -> bool {
        matches!(self, Self::Join | Self::Invite)
    }

    pub(crate) fn is_leave_or_ban(self) -> bool {
        matches!(self, Self::Leave | Self::Ban)
    }
}

/// How users may join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinRule {
    Public,
    Invite,
    Knock,
    Restricted,
    KnockRestricted,
    Unknown,
}

impl JoinRule {
    /// A missing rule means `invite`: the specification is silent, Synapse and Dendrite agree.
    fn of_content(content: &Object) -> Self {
        match content.get("join_rule") {
            None => Self::Invite,
            Some(rule) => match rule.as_str() {
                Some("public") => Self::Public,
                Some("invite") => Self::Invite,
                Some("knock") => Self::Knock,
                Some("restricted") => Self::Restricted,
                Some("knock_restricted") => Self::KnockRestricted,
                _ => Self::Unknown,
            },
        }
    }
}

/// The create event, parsed.
#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) event_id: OwnedEventId,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) sender: OwnedUserId,
    /// The creator of the room version: from 11 on the sender, before that the content's.
    pub(crate) creator: Option<OwnedUserId>,
    /// Further creators, from 12 on.
    pub(crate) additional: Vec<OwnedUserId>,
    pub(crate) federate: bool,
}

impl Create {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        let rules = pdu.rules();
        let content = pdu.content();
        let creator = if rules.creator_is_sender {
            Some(pdu.sender().to_owned())
        } else {
            pdu.content_str("creator").and_then(parse_user)
        };
        let additional = content
            .get("additional_creators")
            .filter(|_| rules.privileged_creators)
            .and_then(Value::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(|user| user.as_str().and_then(parse_user))
            .collect();
        Self {
            event_id: pdu.event_id().to_owned(),
            room_id: pdu.room_id().to_owned(),
            sender: pdu.sender().to_owned(),
            creator,
            additional,
            // Anything but `true` closes the room: that is the cautious reading, and Synapse's.
            federate: content
                .get("m.federate")
                .is_none_or(|federate| federate.as_bool() == Some(true)),
        }
    }

    pub(crate) fn is_creator(&self, user: &UserId) -> bool {
        self.creators().any(|creator| creator == user)
    }

    pub(crate) fn creators(&self) -> impl Iterator<Item = &OwnedUserId> {
        self.creator.iter().chain(&self.additional)
    }
}

/// A member event, parsed.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) membership: Membership,
    /// Whether the content has a membership at all, known or not.
    pub(crate) has_membership: bool,
    /// The user of whom it speaks, if the state key is a user.
    pub(crate) target: Option<OwnedUserId>,
    /// The user on whose authority the target joins; `Err` if that is none.
    pub(crate) via: Option<Result<OwnedUserId, NoUser>>,
}

/// The text is no user id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoUser;

impl Member {
    fn parse(pdu: &Pdu) -> Self {
        let content = pdu.content();
        let via = content.get("join_authorised_via_users_server");
        Self {
            membership: Membership::of_content(content),
            has_membership: pdu.content_str("membership").is_some(),
            target: pdu.state_key().and_then(parse_user),
            via: via.map(|user| user.as_str().and_then(parse_user).ok_or(NoUser)),
        }
    }
}

/// The parsed content of an event, as far as the rules are interested.
#[derive(Debug, Clone)]
pub(crate) enum View {
    Create(Arc<Create>),
    PowerLevels(Arc<Levels>),
    Member(Member),
    JoinRules(JoinRule),
    Other,
}

impl View {
    pub(crate) fn parse(pdu: &Pdu) -> Self {
        match pdu.kind() {
            "m.room.create" => Self::Create(Arc::new(Create::parse(pdu))),
            "m.room.power_levels" => Self::PowerLevels(Arc::new(Levels::parse(pdu))),
            "m.room.member" => Self::Member(Member::parse(pdu)),
            "m.room.join_rules" => Self::JoinRules(JoinRule::of_content(pdu.content())),
            _ => Self::Other,
        }
    }
}
