//! What belongs to a user and is no event: receipts, typing, filters. Account data: its own file.

use std::{sync::Arc, time::Duration};

use gantry_accounts::Session;
use gantry_model::{
    Object,
    id::{OwnedEventId, OwnedUserId, RoomId},
};
use gantry_rooms::RoomView;
use ruma::push::Ruleset;

use crate::{Error, Result, Unread, core::Core};

/// Account data, receipts, typing, filters.
#[derive(Clone)]
pub struct UserData {
    pub(crate) core: Arc<Core>,
}

/// The two kinds of receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    /// Everybody in the room sees it.
    Read,
    /// Only its owner sees it.
    ReadPrivate,
}

impl ReceiptKind {
    /// The kind as events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "m.read",
            Self::ReadPrivate => "m.read.private",
        }
    }
}

/// Up to where a user has read.
#[derive(Debug, Clone, Default)]
pub struct ReadMarkers {
    /// Everything up to here has been read.
    pub fully_read: Option<OwnedEventId>,
    /// The public receipt.
    pub read: Option<OwnedEventId>,
    /// The private receipt.
    pub read_private: Option<OwnedEventId>,
}

impl UserData {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Stores a filter and gives its id.
    pub async fn put_filter(&self, session: &Session, filter: Object) -> Result<String> {
        Ok(self
            .core
            .accounts
            .put_filter(&session.user_id, &filter)
            .await?)
    }

    /// A stored filter.
    pub async fn filter(&self, session: &Session, id: &str) -> Result<Object> {
        let filter = self.core.accounts.filter(&session.user_id, id).await?;
        filter.ok_or_else(|| Error::not_found("No such filter"))
    }

    /// The user types in a room, for at most that long, or (`None`) stops.
    pub async fn set_typing(
        &self,
        session: &Session,
        room: &RoomId,
        timeout: Option<Duration>,
    ) -> Result<()> {
        self.core.joined_view(&session.user_id, room).await?;
        let millis = timeout.map(|timeout| timeout.as_millis() as u64);
        // A repetition is told too: it keeps the typing alive on the other servers.
        if self
            .core
            .accounts
            .set_typing(room, &session.user_id, millis)
            || timeout.is_some()
        {
            self.core
                .federation
                .send_typing(room, &session.user_id, timeout.is_some())
                .await;
        }
        Ok(())
    }

    /// Who types in a room.
    pub async fn typing(&self, session: &Session, room: &RoomId) -> Result<Vec<OwnedUserId>> {
        self.core.joined_view(&session.user_id, room).await?;
        Ok(self.core.accounts.typing(room).1)
    }

    /// The user's push rules.
    pub async fn push_rules(&self, session: &Session) -> Result<Ruleset> {
        Ok(self.core.accounts.push_rules(&session.user_id).await?)
    }

    /// What the user has not read in a room.
    pub async fn unread(&self, session: &Session, room: &RoomId) -> Result<Unread> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        self.core.unread(&session.user_id, room, &view).await
    }

    /// The same for a room that is at hand.
    pub async fn unread_in(&self, session: &Session, view: &RoomView) -> Result<Unread> {
        self.core
            .unread(&session.user_id, view.room_id(), view)
            .await
    }
}
