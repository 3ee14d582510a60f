//! Names and pictures of users.

use std::{collections::BTreeMap, sync::Arc};

use gantry_accounts::Session;
use gantry_model::{
    Object, Pdu, Value,
    id::{RoomId, UserId},
};
use gantry_rooms::{Membership, NewEvent};
use tracing::warn;

use crate::{
    Error, Result,
    content::{object, str_of},
    core::Core,
};

/// Names and pictures of users.
#[derive(Clone)]
pub struct Profiles {
    core: Arc<Core>,
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

    /// Changes the user's display name, in the profile and in all rooms.
    pub async fn set_display_name(&self, session: &Session, name: Option<String>) -> Result<()> {
        self.core
            .accounts
            .set_display_name(&session.user_id, name)
            .await?;
        self.propagate(&session.user_id).await
    }

    /// Changes the user's picture, in the profile and in all rooms.
    pub async fn set_avatar_url(&self, session: &Session, url: Option<String>) -> Result<()> {
        self.core
            .accounts
            .set_avatar_url(&session.user_id, url)
            .await?;
        self.propagate(&session.user_id).await
    }

    /// Sets another field of the user's profile, or (`None`) takes it away. Rooms are not told.
    pub async fn set_field(
        &self,
        session: &Session,
        field: &str,
        value: Option<serde_json::Value>,
    ) -> Result<()> {
        let user = &session.user_id;
        Ok(self
            .core
            .accounts
            .set_profile_field(user, field, value)
            .await?)
    }

    /// Writes the profile into the user's membership of each room. A room that refuses does not
    /// keep the others from it.
    async fn propagate(&self, user: &UserId) -> Result<()> {
        let profile = self.core.local_profile(user).await?.unwrap_or_default();
        for row in self.core.rooms.memberships(user).await? {
            if row.membership == Membership::Join
                && let Err(error) = self.update_member(user, &row.room_id, &profile).await
            {
                warn!(room.id = %row.room_id, %error, "a profile could not be written to a room");
            }
        }
        Ok(())
    }

    async fn update_member(&self, user: &UserId, room: &RoomId, profile: &Profile) -> Result<()> {
        let Some(view) = self.core.rooms.view(room).await? else {
            return Ok(());
        };
        let Some(standing) = view.state("m.room.member", user.as_str()) else {
            return Ok(());
        };
        let content = with_profile(&standing, profile);
        if content != *standing.content() {
            let event = NewEvent::state(user.to_owned(), "m.room.member", user.as_str(), content);
            self.core.rooms.submit(room, event).await?;
        }
        Ok(())
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

/// A membership's content with this profile in place of the old one.
fn with_profile(standing: &Pdu, profile: &Profile) -> Object {
    let mut content = standing.content().clone();
    // What authorized the join, and why it was made, is no part of what it is now.
    for key in [
        "displayname",
        "avatar_url",
        "join_authorised_via_users_server",
        "reason",
    ] {
        content.remove(key);
    }
    put(&mut content, "displayname", profile.displayname.clone());
    put(&mut content, "avatar_url", profile.avatar_url.clone());
    content
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
        .filter_map(|(key, value): (String, Value)| {
            Some((key, serde_json::to_value(&value).ok()?))
        });
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
