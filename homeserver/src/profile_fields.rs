//! Fields of a profile, and how rooms learn of a new name or picture.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#profiles>; how far a change
//! goes: MSC4466.

use futures::{StreamExt, stream};
use gantry_accounts::Session;
use gantry_model::{
    ErrorKind,
    id::{RoomId, UserId},
};
use gantry_rooms::{Membership, NewEvent};
use serde_json::Value;
use tracing::warn;

use crate::{Act, Error, Profiles, Result, core::Core};

/// The longest name of a field, in bytes (specification).
const MAX_KEY_BYTES: usize = 255;
/// The longest display name, in bytes.
const MAX_NAME_BYTES: usize = 255;
/// The longest address of a picture, in bytes.
const MAX_URL_BYTES: usize = 1_000;
/// Rooms that are told at the same time.
const AT_ONCE: usize = 8;

/// Which rooms are told of a new name or picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Propagate {
    /// All.
    #[default]
    All,
    /// Those in which the user has no name or picture of his own for the room.
    Unchanged,
    /// None.
    Nowhere,
}

/// A name or picture before and after.
struct Change<'a> {
    field: &'static str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    propagate: Propagate,
}

impl Profiles {
    /// Sets a field of the user's profile, or (`None`) takes it away.
    pub async fn put_field(
        &self,
        session: &Session,
        field: &str,
        value: Option<Value>,
        propagate: Propagate,
    ) -> Result<()> {
        self.core.may(session, Act::Profile)?;
        check_key(field)?;
        let user = &session.user_id;
        let accounts = &self.core.accounts;
        let before = self.core.local_profile(user).await?.unwrap_or_default();
        match field {
            "displayname" => {
                let after = text(value, MAX_NAME_BYTES)?;
                accounts.set_display_name(user, after.clone()).await?;
                let change = Change {
                    field: "displayname",
                    before: before.displayname.as_deref(),
                    after: after.as_deref(),
                    propagate,
                };
                self.tell_rooms(user, &change).await
            }
            "avatar_url" => {
                let after = text(value, MAX_URL_BYTES)?;
                accounts.set_avatar_url(user, after.clone()).await?;
                let change = Change {
                    field: "avatar_url",
                    before: before.avatar_url.as_deref(),
                    after: after.as_deref(),
                    propagate,
                };
                self.tell_rooms(user, &change).await
            }
            _ => Ok(accounts.set_profile_field(user, field, value).await?),
        }
    }

    /// Writes the change into the user's membership of each room that is to be told. A room that
    /// refuses does not keep the others from it.
    async fn tell_rooms(&self, user: &UserId, change: &Change<'_>) -> Result<()> {
        if change.propagate == Propagate::Nowhere {
            return Ok(());
        }
        let rows = self.core.rooms.memberships(user).await?;
        let joined = rows
            .into_iter()
            .filter(|row| row.membership == Membership::Join);
        stream::iter(joined)
            .for_each_concurrent(AT_ONCE, |row| async move {
                if let Err(error) = self.core.tell_room(user, &row.room_id, change).await {
                    warn!(room.id = %row.room_id, %error, "a profile could not be written to a room");
                }
            })
            .await;
        Ok(())
    }
}

impl Core {
    async fn tell_room(&self, user: &UserId, room: &RoomId, change: &Change<'_>) -> Result<()> {
        let Some(view) = self.rooms.view(room).await? else {
            return Ok(());
        };
        let Some(standing) = view.state("m.room.member", user.as_str()) else {
            return Ok(());
        };
        let mut content = standing.content().clone();
        let is_own = content.get(change.field).and_then(|value| value.as_str()) != change.before;
        if change.propagate == Propagate::Unchanged && is_own {
            return Ok(());
        }
        // What authorized the join, and why it was made, is no part of what it is now.
        for key in ["join_authorised_via_users_server", "reason", change.field] {
            content.remove(key);
        }
        if let Some(after) = change.after {
            content.insert(change.field.to_owned(), after.into());
        }
        if content != *standing.content() {
            let event = NewEvent::state(user.to_owned(), "m.room.member", user.as_str(), content);
            self.submit(room, event).await?;
        }
        Ok(())
    }
}

/// Fails unless the name is one that the specification allows: its own, or one in the common
/// grammar of namespaced identifiers.
fn check_key(field: &str) -> Result<()> {
    if field.len() > MAX_KEY_BYTES {
        let reason = "The name of the profile field is too long";
        return Err(Error::refused(ErrorKind::KeyTooLarge, reason));
    }
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let begins = field.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if begins && field.bytes().all(is_allowed) {
        Ok(())
    } else {
        Err(Error::invalid("Invalid profile key"))
    }
}

/// A text; empty text is none.
fn text(value: Option<Value>, max: usize) -> Result<Option<String>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > max => {
            Err(Error::invalid("The value is too long"))
        }
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::bad_json("The value must be text")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for name in ["displayname", "m.tz", "org.example.a-b_c9"] {
            assert!(check_key(name).is_ok(), "{name}");
        }
        for name in ["", "9a", "_a", "A", "a b", "ä"] {
            let error = check_key(name).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidParam, "{name}");
        }
        let long = check_key(&"a".repeat(256)).expect_err("too long");
        assert_eq!(long.kind(), ErrorKind::KeyTooLarge);
    }

    proptest! {
        #[test]
        fn whatever_is_allowed_is_plain_text(name in "\\PC{0,20}") {
            if check_key(&name).is_ok() {
                prop_assert!(name.is_ascii() && !name.contains('/'));
            }
        }
    }
}
