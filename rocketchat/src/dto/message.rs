//! A message.

use std::collections::BTreeMap;

use serde::Serialize;

use super::user::UserRef;
use crate::map::Date;

/// A message, also a system message.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) rid: String,
    /// The kind of a system message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) t: Option<&'static str>,
    pub(crate) msg: String,
    pub(crate) ts: Date,
    pub(crate) u: UserRef,
    #[serde(rename = "_updatedAt")]
    pub(crate) updated_at: Date,
    pub(crate) urls: Vec<Url>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) channels: Vec<ChannelRef>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) reactions: BTreeMap<String, Reaction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edited_at: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) edited_by: Option<UserRef>,
    /// The root of the thread that the message is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tmid: Option<String>,
    /// Whether it is shown outside of its thread too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) tshow: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) thread: Option<ThreadSummary>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) groupable: bool,
}

/// What the root of a thread tells of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ThreadSummary {
    /// How many replies.
    pub(crate) tcount: usize,
    /// When the last one was.
    pub(crate) tlm: Date,
    /// The ids of those who follow it.
    pub(crate) replies: Vec<String>,
}

/// An address in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Url {
    pub(crate) url: String,
    pub(crate) meta: BTreeMap<String, String>,
}

/// A user who is mentioned, or `all`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mention {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) r#type: &'static str,
}

/// A room that is mentioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ChannelRef {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) name: String,
}

/// Who reacted in one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Reaction {
    pub(crate) usernames: Vec<String>,
}
