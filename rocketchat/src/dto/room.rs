//! A room.

use serde::Serialize;

use super::message::Message;
use super::user::UserRef;
use crate::map::Date;

/// A room as its members see it.
#[expect(clippy::struct_excessive_bools, reason = "the wire's shape")]
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Room {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// `c`, `p` or `d`.
    pub(crate) t: &'static str,
    /// A name that fits into an address; direct rooms have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The name as people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fname: Option<String>,
    /// Who made it; direct rooms belong to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) u: Option<UserRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    pub(crate) users_count: u64,
    pub(crate) msgs: u64,
    pub(crate) ts: Date,
    pub(crate) lm: Date,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_message: Option<Box<Message>>,
    /// The members of a direct room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usernames: Option<Vec<String>>,
    /// The ids of the members of a direct room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uids: Option<Vec<String>>,
    /// Whether only some may write.
    pub(crate) ro: bool,
    pub(crate) default: bool,
    pub(crate) sys_mes: bool,
    pub(crate) encrypted: bool,
    /// Whether users of other servers are in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) federated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) federation: Option<RoomFederation>,
}

/// A room's id on other servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RoomFederation {
    pub(crate) version: u8,
    pub(crate) mrid: String,
    pub(crate) origin: String,
}
