//! The Rocket.Chat ids of users, of this server and of others.

use gantry_model::hash::sha256;
use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::hash16;
use gantry_store::schema::RC_USER;
use serde::{Deserialize, Serialize};

use crate::{ID_LENGTH, Result, Workspace};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[derive(Serialize, Deserialize)]
struct Row {
    user: OwnedUserId,
}

/// The Rocket.Chat id of a user: 17 characters made from the hash of the user id.
pub fn rc_user_id(user: &UserId) -> String {
    let hash = sha256(user.as_bytes());
    // 17 digits of base 62 hold 101 bits.
    let mut number = hash[..16]
        .iter()
        .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let digit = |_| {
        let digit = DIGITS[(number % 62) as usize];
        number /= 62;
        char::from(digit)
    };
    (0..ID_LENGTH).map(digit).collect()
}

impl Workspace {
    /// The Rocket.Chat id of a user, under which the user is found from now on.
    pub async fn ensure_rc_user(&self, user: &UserId) -> Result<String> {
        if let Some(id) = self.inner.by_user.get(user) {
            return Ok(id);
        }
        let id = rc_user_id(user);
        let row = Row {
            user: user.to_owned(),
        };
        // If the key is taken, it is by the same row.
        self.inner.store.insert_new(RC_USER, key(&id), &row).await?;
        self.inner.by_user.put(user.to_owned(), id.clone());
        Ok(id)
    }

    /// The user of a Rocket.Chat id that was given out.
    pub async fn user_of_rc_id(&self, id: &str) -> Result<Option<OwnedUserId>> {
        let row = self.inner.store.get::<Row>(RC_USER, &key(id)).await?;
        Ok(row.map(|row| row.user))
    }
}

fn key(id: &str) -> Vec<u8> {
    hash16(&[id.as_bytes()]).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{user, workspace};

    #[tokio::test]
    async fn a_user_is_found_by_the_id_that_was_given_out() {
        let (workspace, _dir) = workspace().await;
        let (alice, carol) = (
            user("alice"),
            OwnedUserId::try_from("@carol:there.org").unwrap(),
        );

        let id = workspace.ensure_rc_user(&alice).await.unwrap();
        let remote = workspace.ensure_rc_user(&carol).await.unwrap();

        assert_eq!(id, rc_user_id(&alice));
        assert!(id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(workspace.user_of_rc_id(&id).await.unwrap(), Some(alice));
        assert_eq!(workspace.user_of_rc_id(&remote).await.unwrap(), Some(carol));
        let unknown = rc_user_id(&user("bob"));
        assert_eq!(workspace.user_of_rc_id(&unknown).await.unwrap(), None);
    }
}
