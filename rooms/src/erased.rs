//! Users who wished that their events are forgotten: whoever was not in the room when they were
//! sent is given them redacted.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate>.

use std::{collections::HashSet, sync::Arc};

use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::{Key, Scan, hash16, schema::ERASED_USER};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{Result, Rooms};

/// The most users that are remembered.
const MAX_USERS: usize = 1_000_000;

/// The users, read when they are first asked for. Held for copies of the pointer.
#[derive(Default)]
pub(crate) struct Erased(OnceCell<RwLock<Arc<HashSet<OwnedUserId>>>>);

#[derive(Serialize, Deserialize)]
struct ErasedDoc {
    user: OwnedUserId,
}

impl Rooms {
    /// Gives a user's events no more to those who come later, or gives them again.
    pub async fn set_erased(&self, user: &UserId, erased: bool) -> Result<()> {
        let known = self.erased_cell().await?;
        if erased {
            let doc = ErasedDoc {
                user: user.to_owned(),
            };
            self.store().put(ERASED_USER, key(user), &doc).await?;
        } else {
            self.store().delete(ERASED_USER, key(user)).await?;
        }
        {
            let mut known = known.write();
            let mut users = HashSet::clone(&known);
            if erased {
                users.insert(user.to_owned());
            } else {
                users.remove(user);
            }
            *known = Arc::new(users);
        }
        if erased {
            self.tell_erased(user).await?;
        }
        Ok(())
    }

    /// The users whose events are not given to those who come later.
    pub(crate) async fn erased(&self) -> Result<Arc<HashSet<OwnedUserId>>> {
        Ok(Arc::clone(&self.erased_cell().await?.read()))
    }

    async fn erased_cell(&self) -> Result<&RwLock<Arc<HashSet<OwnedUserId>>>> {
        let read = || async {
            let scan = Scan::prefix(&[]).limit(MAX_USERS);
            let rows = self.store().scan::<ErasedDoc>(ERASED_USER, scan).await?;
            let users = rows.into_iter().map(|(_, doc)| doc.user).collect();
            Ok(RwLock::new(Arc::new(users)))
        };
        self.erased_users().0.get_or_try_init(read).await
    }
}

fn key(user: &UserId) -> Key {
    hash16(&[user.as_bytes()]).to_vec()
}
