//! Following threads (MSC4306).
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/4306>.

use gantry_accounts::{Session, ThreadSubscription};
use gantry_model::{
    ErrorKind,
    id::{EventId, RoomId},
};

use crate::{Error, Result, UserData, receipts::thread_of};

impl UserData {
    /// Whether the user follows a thread, and if so, whether the client decided that by itself.
    pub async fn thread_subscription(
        &self,
        session: &Session,
        room: &RoomId,
        root: &EventId,
    ) -> Result<bool> {
        self.check_root(session, room, root).await?;
        let user = &session.user_id;
        match self
            .core
            .accounts
            .thread_subscription(user, room, root)
            .await?
        {
            Some(ThreadSubscription::Subscribed { automatic }) => Ok(automatic),
            Some(ThreadSubscription::Unsubscribed { .. }) | None => {
                Err(Error::not_found("You do not follow this thread"))
            }
        }
    }

    /// The user follows a thread. `cause`: the event for which the client decided that by itself;
    /// it does not make the user follow again what he has left since.
    pub async fn subscribe_to_thread(
        &self,
        session: &Session,
        room: &RoomId,
        root: &EventId,
        cause: Option<&EventId>,
    ) -> Result<()> {
        self.check_root(session, room, root).await?;
        let user = &session.user_id;
        let place = match cause {
            None => None,
            Some(cause) => Some(self.place_in_thread(session, room, root, cause).await?),
        };
        let mut conflict = false;
        let change = |before: Option<ThreadSubscription>| match (&place, before) {
            (Some(place), Some(ThreadSubscription::Unsubscribed { at })) if *place < at => {
                conflict = true;
                None
            }
            (Some(_), Some(ThreadSubscription::Subscribed { .. })) => None,
            _ => Some(ThreadSubscription::Subscribed {
                automatic: place.is_some(),
            }),
        };
        let accounts = &self.core.accounts;
        accounts
            .change_thread_subscription(user, room, root, change)
            .await?;
        if conflict {
            let reason = "You left the thread after this event";
            return Err(Error::refused(ErrorKind::ConflictingUnsubscription, reason));
        }
        Ok(())
    }

    /// The user no longer follows a thread; that he did not is no mistake.
    pub async fn unsubscribe_from_thread(
        &self,
        session: &Session,
        room: &RoomId,
        root: &EventId,
    ) -> Result<()> {
        self.check_root(session, room, root).await?;
        let view = self.core.joined_view(&session.user_id, room).await?;
        let at = view.end().as_bytes().to_vec();
        let change = |before: Option<ThreadSubscription>| {
            let is_subscribed = matches!(before, Some(ThreadSubscription::Subscribed { .. }));
            is_subscribed.then(|| ThreadSubscription::Unsubscribed { at: at.clone() })
        };
        let (accounts, user) = (&self.core.accounts, &session.user_id);
        Ok(accounts
            .change_thread_subscription(user, room, root, change)
            .await?)
    }

    async fn check_root(&self, session: &Session, room: &RoomId, root: &EventId) -> Result<()> {
        let user = &session.user_id;
        self.core.joined_view(user, room).await?;
        self.core.visible_event(user, room, root).await?;
        Ok(())
    }

    /// Where in the timeline an event of the thread stands.
    async fn place_in_thread(
        &self,
        session: &Session,
        room: &RoomId,
        root: &EventId,
        event: &EventId,
    ) -> Result<Vec<u8>> {
        let found = self
            .core
            .visible_event(&session.user_id, room, event)
            .await?;
        match found.key {
            Some(key) if thread_of(found.relation.as_ref()) == Some(root.as_str()) => {
                Ok(key.as_bytes().to_vec())
            }
            _ => Err(Error::refused(
                ErrorKind::NotInThread,
                "The event is not in the thread",
            )),
        }
    }
}
