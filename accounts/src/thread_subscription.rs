//! Which threads a user follows (MSC4306).
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/4306>.

use std::collections::BTreeSet;

use gantry_model::id::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use gantry_store::schema::DATA;
use gantry_store::{Blob, Scan, Stamp};
use serde::{Deserialize, Serialize};

use crate::accounts::Versioned;
use crate::{Accounts, Result, keys};

/// The most threads of a user that are heeded.
const MAX_FOLLOWED: usize = 50_000;

/// Whether a user follows a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadSubscription {
    /// The user does.
    Subscribed {
        /// Whether the client subscribed by itself, because the user was mentioned.
        automatic: bool,
    },
    /// The user does no longer.
    Unsubscribed {
        /// Where the timeline ended then: a client may subscribe by itself again only for what
        /// came later. Its bytes are ordered like the timeline.
        at: Vec<u8>,
    },
}

#[derive(Serialize, Deserialize)]
struct Row {
    user: OwnedUserId,
    room: OwnedRoomId,
    root: OwnedEventId,
    subscribed: bool,
    automatic: bool,
    tk: Blob,
    v: i64,
    /// The position, which the store fills in.
    #[serde(default)]
    w: u16,
    #[serde(default)]
    s: u64,
}

impl Versioned for Row {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl Row {
    fn subscription(self) -> ThreadSubscription {
        if self.subscribed {
            ThreadSubscription::Subscribed {
                automatic: self.automatic,
            }
        } else {
            ThreadSubscription::Unsubscribed {
                at: Vec::from(self.tk),
            }
        }
    }
}

impl Accounts {
    /// Whether a user follows a thread; `None`: nothing was ever said.
    pub async fn thread_subscription(
        &self,
        user: &UserId,
        room: &RoomId,
        root: &EventId,
    ) -> Result<Option<ThreadSubscription>> {
        let key = keys::thread_subscription(user, room, root);
        let row = self.inner.store.get::<Row>(DATA, &key).await?;
        Ok(row.map(Row::subscription))
    }

    /// The threads that a user follows, by room and root.
    pub async fn followed_threads(
        &self,
        user: &UserId,
    ) -> Result<BTreeSet<(OwnedRoomId, OwnedEventId)>> {
        let scan = Scan::prefix(&keys::thread_subscriptions(user)).limit(MAX_FOLLOWED);
        let rows = self.inner.store.scan::<Row>(DATA, scan).await?.into_iter();
        let followed = rows.filter(|(_, row)| row.subscribed);
        Ok(followed.map(|(_, row)| (row.room, row.root)).collect())
    }

    /// Stores what `change` makes of it; `None` leaves things as they are.
    pub async fn change_thread_subscription(
        &self,
        user: &UserId,
        room: &RoomId,
        root: &EventId,
        mut change: impl FnMut(Option<ThreadSubscription>) -> Option<ThreadSubscription>,
    ) -> Result<()> {
        let key = keys::thread_subscription(user, room, root);
        self.update(DATA, key, Stamp::Position, |row: Option<Row>| {
            let next = change(row.map(Row::subscription));
            Ok(next.map(|next| {
                let (subscribed, automatic, at) = match next {
                    ThreadSubscription::Subscribed { automatic } => (true, automatic, Vec::new()),
                    ThreadSubscription::Unsubscribed { at } => (false, false, at),
                };
                Row {
                    user: user.to_owned(),
                    room: room.to_owned(),
                    root: root.to_owned(),
                    subscribed,
                    automatic,
                    tk: Blob::from(at),
                    v: 0,
                    w: 0,
                    s: 0,
                }
            }))
        })
        .await
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{accounts, room, user};

    #[tokio::test]
    async fn a_subscription_is_kept_by_thread() {
        let (accounts, _dir) = accounts().await;
        let (alice, here) = (user("alice"), room("here"));
        let (root, other): (OwnedEventId, OwnedEventId) =
            ("$root".try_into().unwrap(), "$other".try_into().unwrap());
        let subscribed = ThreadSubscription::Subscribed { automatic: true };
        let at = ThreadSubscription::Unsubscribed { at: vec![7] };

        for next in [&subscribed, &at] {
            accounts
                .change_thread_subscription(&alice, &here, &root, |_| Some(next.clone()))
                .await
                .unwrap();
            let stored = accounts.thread_subscription(&alice, &here, &root).await;
            assert_eq!(stored.unwrap().as_ref(), Some(next));
        }

        let followed = accounts.followed_threads(&alice).await.unwrap();
        assert!(followed.is_empty());
        accounts
            .change_thread_subscription(&alice, &here, &root, |_| Some(subscribed.clone()))
            .await
            .unwrap();
        let followed = accounts.followed_threads(&alice).await.unwrap();
        assert_eq!(followed, [(here.clone(), root.clone())].into());
        let none = accounts.thread_subscription(&alice, &here, &other).await;
        assert_eq!(none.unwrap(), None);
    }
}
