//! A user.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::map::Date;

/// A user as others refer to him.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct UserRef {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

/// A user as others see him.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) status: &'static str,
    pub(crate) utc_offset: i32,
    pub(crate) active: bool,
    pub(crate) r#type: &'static str,
    pub(crate) roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_at: Option<Date>,
    #[serde(rename = "_updatedAt", skip_serializing_if = "Option::is_none")]
    pub(crate) updated_at: Option<Date>,
    /// Whether the user belongs to another server.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) federated: bool,
}

/// A user as he sees himself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    #[serde(flatten)]
    pub(crate) user: User,
    pub(crate) status_connection: &'static str,
    pub(crate) status_default: &'static str,
    pub(crate) emails: Vec<Email>,
    pub(crate) custom_fields: BTreeMap<String, String>,
    pub(crate) settings: Settings,
    pub(crate) avatar_url: String,
    pub(crate) services: Services,
    pub(crate) require_password_change: bool,
}

/// An address of mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Email {
    pub(crate) address: String,
    pub(crate) verified: bool,
}

/// What a user has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Settings {
    pub(crate) preferences: Preferences,
}

/// What a user has chosen of how clients behave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preferences {
    pub(crate) also_send_thread_to_channel: &'static str,
    pub(crate) desktop_notifications: &'static str,
    pub(crate) push_notifications: &'static str,
    pub(crate) enable_auto_away: bool,
    pub(crate) language: &'static str,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            also_send_thread_to_channel: "default",
            desktop_notifications: "all",
            push_notifications: "all",
            enable_auto_away: false,
            language: "",
        }
    }
}

/// How a user can log in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Services {
    pub(crate) password: PasswordService,
}

/// Whether a user can log in by password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PasswordService {
    pub(crate) exists: bool,
}
