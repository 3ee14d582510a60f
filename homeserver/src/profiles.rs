//! Names and pictures of users.

use std::{collections::BTreeMap, sync::Arc};

use gantry_model::{Object, id::UserId};
use gantry_rooms::Membership;

use crate::{
    Error, Result,
    content::{object, str_of},
    core::Core,
};

/// Names and pictures of users.
#[derive(Clone)]
pub struct Profiles {
    pub(crate) core: Arc<Core>,
}

/// What everybody may know of a user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// The display name.
    pub displayname: Option<String>,
    /// The picture, an `mxc://` address.
    pub avatar_url: Option<String>,
    /// Everything else.
    pub fields: BTreeMap<String, serde_json::Value>,
}

impl Profiles {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The profile of a user of this or another server.
    pub async fn profile(&self, user: &UserId) -> Result<Profile> {
        if self.core.is_local(user) {
            return self.core.local_profile(user).await?.ok_or_else(unknown);
        }
        let answer = self.core.federation.query_profile(user, None).await?;
        Ok(from_answer(answer))
    }
}

impl Core {
    /// The profile of a user of this server.
    pub(crate) async fn local_profile(&self, user: &UserId) -> Result<Option<Profile>> {
        let account = self.accounts.account(user).await?;
        Ok(account.map(|account| Profile {
            displayname: account.display_name,
            avatar_url: account.avatar_url,
            fields: account.profile,
        }))
    }

    /// The content of a local user's membership: the membership, the profile and a reason.
    pub(crate) async fn member_content(
        &self,
        user: &UserId,
        membership: Membership,
        reason: Option<String>,
    ) -> Result<Object> {
        let mut content = object([("membership", membership.as_str().into())]);
        if self.is_local(user)
            && let Some(profile) = self.local_profile(user).await?
        {
            put(&mut content, "displayname", profile.displayname);
            put(&mut content, "avatar_url", profile.avatar_url);
        }
        put(&mut content, "reason", reason);
        Ok(content)
    }
}

fn put(content: &mut Object, key: &str, value: Option<String>) {
    if let Some(value) = value {
        content.insert(key.to_owned(), value.into());
    }
}

/// The profile in another server's answer.
fn from_answer(mut answer: Object) -> Profile {
    let mut text = |key: &str| {
        let value = str_of(&answer, key).map(str::to_owned);
        answer.remove(key);
        value
    };
    let (displayname, avatar_url) = (text("displayname"), text("avatar_url"));
    let fields = answer
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_string(), serde_json::to_value(&value).ok()?)));
    Profile {
        displayname,
        avatar_url,
        fields: fields.collect(),
    }
}

fn unknown() -> Error {
    Error::not_found("Profile was not found")
}

#[cfg(test)]
mod tests {
    use gantry_model::Value;

    use super::*;

    #[test]
    fn an_answer_is_sorted_into_a_profile() {
        let answer = object([
            ("displayname", "Alice".into()),
            ("avatar_url", Value::Null),
            ("m.tz", "Europe/Berlin".into()),
        ]);

        let profile = from_answer(answer);

        assert_eq!(profile.displayname.as_deref(), Some("Alice"));
        assert_eq!(profile.avatar_url, None);
        assert_eq!(profile.fields.len(), 1);
    }
}
