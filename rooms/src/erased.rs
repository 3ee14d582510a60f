//! Users who wished that their events are forgotten: whoever was not in the room when they were
//! sent is given them redacted.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate>.

use std::{collections::HashSet, sync::Arc};

use gantry_model::id::{OwnedUserId, UserId};
use gantry_store::{Key, Scan, hash16, schema::ERASED_USER};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::{Result, Rooms};

/// The most users that are remembered.
const MAX_USERS: usize = 1_000_000;

/// Where there are other nodes, the users are read again after so many milliseconds.
const KEPT_MS: i64 = 5_000;

/// The users as they were read. Held for copies of the pointer.
#[derive(Default)]
pub(crate) struct Erased(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    /// Raised by every change: what was read before one is not kept after it.
    epoch: u64,
    /// When they were read, in milliseconds, and who they are.
    users: Option<(i64, Arc<HashSet<OwnedUserId>>)>,
}

#[derive(Serialize, Deserialize)]
struct ErasedDoc {
    user: OwnedUserId,
}

impl Rooms {
    /// Gives a user's events no more to those who come later, or gives them again.
    pub async fn set_erased(&self, user: &UserId, erased: bool) -> Result<()> {
        if erased {
            let doc = ErasedDoc {
                user: user.to_owned(),
            };
            self.store().put(ERASED_USER, key(user), &doc).await?;
        } else {
            self.store().delete(ERASED_USER, key(user)).await?;
        }
        {
            let mut kept = self.erased_users().0.write();
            kept.epoch += 1;
            kept.users = None;
        }
        if erased {
            self.tell_erased(user).await?;
        }
        Ok(())
    }

    /// The users whose events are not given to those who come later.
    pub(crate) async fn erased(&self) -> Result<Arc<HashSet<OwnedUserId>>> {
        let now = self.clock().now_ms();
        let epoch = {
            let kept = self.erased_users().0.read();
            match &kept.users {
                Some((at, users)) if !self.store().is_shared() || now - at < KEPT_MS => {
                    return Ok(Arc::clone(users));
                }
                _ => kept.epoch,
            }
        };
        let scan = Scan::prefix(&[]).limit(MAX_USERS);
        let rows = self.store().scan::<ErasedDoc>(ERASED_USER, scan).await?;
        let users: Arc<HashSet<_>> = Arc::new(rows.into_iter().map(|(_, doc)| doc.user).collect());
        let mut kept = self.erased_users().0.write();
        if kept.epoch == epoch {
            kept.users = Some((now, Arc::clone(&users)));
        }
        Ok(users)
    }
}

fn key(user: &UserId) -> Key {
    hash16(&[user.as_bytes()]).to_vec()
}
