//! Profiles of our users.

use gantry_model::id::UserId;

use crate::accounts::check_name;
use crate::{Accounts, Error, MAX_CONTENT_BYTES, Result};

/// The longest address of an avatar, in bytes.
const MAX_URL_BYTES: usize = 1_000;

impl Accounts {
    /// Sets the display name, or removes it.
    pub async fn set_display_name(&self, user: &UserId, name: Option<String>) -> Result<()> {
        check_name("the display name", name.as_deref().unwrap_or(""))?;
        self.change_account(user, |row| {
            row.display_name.clone_from(&name);
            Ok(())
        })
        .await
    }

    /// Sets the address of the avatar, or removes it.
    pub async fn set_avatar_url(&self, user: &UserId, url: Option<String>) -> Result<()> {
        if url.as_ref().is_some_and(|url| url.len() > MAX_URL_BYTES) {
            return Err(Error::TooLarge("the address of the avatar"));
        }
        self.change_account(user, |row| {
            row.avatar_url.clone_from(&url);
            Ok(())
        })
        .await
    }

    /// Sets a further profile field, or removes it. All fields together take at most
    /// [`MAX_CONTENT_BYTES`].
    pub async fn set_profile_field(
        &self,
        user: &UserId,
        name: &str,
        value: Option<serde_json::Value>,
    ) -> Result<()> {
        check_name("the name of the profile field", name)?;
        self.change_account(user, |row| {
            let mut fields = row.fields()?;
            match value.clone() {
                Some(value) => fields.insert(name.to_owned(), value),
                None => fields.remove(name),
            };
            let text = serde_json::to_string(&fields).map_err(Error::Damaged)?;
            // Name and picture count too, with their keys.
            let named = [&row.display_name, &row.avatar_url].into_iter().flatten();
            let whole = text.len() + named.map(|value| value.len() + 20).sum::<usize>();
            if whole > MAX_CONTENT_BYTES {
                return Err(Error::ProfileTooLarge);
            }
            row.profile = (!fields.is_empty()).then_some(text);
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::testing::{accounts, has_account, user};

    #[tokio::test]
    async fn a_profile_is_what_was_set_last() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;

        accounts
            .set_display_name(&alice, Some("Alice".to_owned()))
            .await
            .unwrap();
        accounts
            .set_avatar_url(&alice, Some("mxc://a/b".to_owned()))
            .await
            .unwrap();
        accounts
            .set_profile_field(&alice, "m.tz", Some("Europe/Paris".into()))
            .await
            .unwrap();
        accounts
            .set_profile_field(&alice, "x", Some(1.into()))
            .await
            .unwrap();
        accounts.set_profile_field(&alice, "x", None).await.unwrap();

        let account = accounts.account(&alice).await.unwrap().unwrap();
        assert_eq!(account.display_name.as_deref(), Some("Alice"));
        assert_eq!(account.avatar_url.as_deref(), Some("mxc://a/b"));
        assert_eq!(account.profile.len(), 1);
        assert_eq!(account.profile["m.tz"], "Europe/Paris");
    }

    #[tokio::test]
    async fn a_profile_is_bounded() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;

        let name = accounts
            .set_display_name(&alice, Some("x".repeat(256)))
            .await;
        let field = accounts
            .set_profile_field(&alice, "f", Some("x".repeat(70_000).into()))
            .await;
        let nobody = accounts.set_display_name(&user("nobody"), None).await;

        assert!(matches!(name, Err(Error::TooLarge(_))));
        assert!(matches!(field, Err(Error::ProfileTooLarge)));
        assert!(matches!(nobody, Err(Error::UnknownUser)));
    }
}
