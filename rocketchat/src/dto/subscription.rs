//! A subscription: a room as one user has it.

use serde::Serialize;

use super::user::UserRef;
use crate::map::Date;

/// A room as one user has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) rid: String,
    pub(crate) t: &'static str,
    /// The room's name; of a direct room the other's user name.
    pub(crate) name: String,
    /// The same as people write it.
    pub(crate) fname: String,
    pub(crate) u: UserRef,
    /// When the user came.
    pub(crate) ts: Date,
    /// Up to when the user has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ls: Option<Date>,
    /// When something happened that concerns the user.
    pub(crate) lr: Date,
    pub(crate) open: bool,
    pub(crate) alert: bool,
    pub(crate) unread: u64,
    pub(crate) user_mentions: u64,
    pub(crate) group_mentions: u64,
    pub(crate) roles: Vec<&'static str>,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    /// The roots of threads with unread replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tunread: Vec<String>,
    /// `INVITED`, if the user has not joined yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<&'static str>,
    /// Who invited the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inviter: Option<UserRef>,
}

/// What is told of a subscription that ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct SubscriptionRef {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) rid: String,
    pub(crate) t: &'static str,
    pub(crate) u: UserRef,
}
