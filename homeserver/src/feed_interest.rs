//! What a user would be told about: which changes wake a waiting client.

use std::collections::{HashMap, HashSet};

use gantry_accounts::{room_owner, user_owner};
use gantry_model::id::{OwnedRoomId, RoomId, UserId};
use gantry_rooms::{Cut, Membership, MembershipRow, StreamChange, StreamKind};
use tokio::sync::OnceCell;

use crate::{Feed, Result, SyncToken};

/// A user who waits.
pub(crate) struct Waiting<'a> {
    user: &'a UserId,
    /// Looked up once: whatever changes it concerns the user, and so ends the wait.
    interest: OnceCell<Interest>,
}

/// What concerns one user.
struct Interest {
    rows: HashMap<OwnedRoomId, MembershipRow>,
    /// Owners of account data, receipts and invites from outside, as the stream names them.
    owners: HashSet<[u8; 16]>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(user: &'a UserId) -> Self {
        Self {
            user,
            interest: OnceCell::new(),
        }
    }
}

impl Interest {
    fn joined(&self, room: &RoomId) -> bool {
        self.rows
            .get(room)
            .is_some_and(|row| row.membership == Membership::Join)
    }
}

impl Feed {
    /// Whether anything between the points concerns the user.
    pub(crate) async fn concerns(
        &self,
        waiting: &Waiting<'_>,
        since: &SyncToken,
        upto: &SyncToken,
    ) -> Result<bool> {
        if since.cut.generation() != upto.cut.generation() {
            return Ok(true);
        }
        if since == upto {
            return Ok(false);
        }
        let changes = self.core.rooms.stream_changes(&since.cut, &upto.cut);
        for change in &changes.await? {
            if self.is_told(waiting, change, &since.cut).await? {
                return Ok(true);
            }
        }
        let typing = self.core.accounts.typing_since(since.typing);
        if !typing.is_empty() {
            let interest = self.interest(waiting).await?;
            if typing.iter().any(|change| interest.joined(&change.room)) {
                return Ok(true);
            }
        }
        if upto.presence <= since.presence {
            return Ok(false);
        }
        let rows = &self.interest(waiting).await?.rows;
        let rows: Vec<_> = rows.values().cloned().collect();
        self.presence_concerns(waiting.user, &rows, since.presence)
            .await
    }

    async fn is_told(
        &self,
        waiting: &Waiting<'_>,
        change: &StreamChange,
        since: &Cut,
    ) -> Result<bool> {
        match &change.kind {
            StreamKind::Data { owner, .. } => {
                Ok(self.interest(waiting).await?.owners.contains(owner))
            }
            StreamKind::Room { room, .. } => self.is_told_of(waiting.user, room, since).await,
        }
    }

    /// Whether a user is told of what happened in a room after `since`. Everybody who waits asks
    /// this of every event: it is answered from memory where that can be.
    async fn is_told_of(&self, user: &UserId, room: &RoomId, since: &Cut) -> Result<bool> {
        let rooms = &self.core.rooms;
        if let Some(view) = rooms.view_in_memory(room).await? {
            match view.membership(user) {
                Some(Membership::Join) => return Ok(true),
                None => return Ok(false),
                Some(_) => {}
            }
        }
        match rooms.membership_of(user, room).await? {
            None => Ok(false),
            Some(row) if row.membership == Membership::Join => Ok(true),
            // Of a room that the user is not in, only how he came to be there or left it.
            Some(row) => Ok(row.pos() > rooms.log_end(room, since).await?),
        }
    }

    async fn interest<'w>(&self, waiting: &'w Waiting<'_>) -> Result<&'w Interest> {
        let read = || self.read_interest(waiting.user);
        waiting.interest.get_or_try_init(read).await
    }

    async fn read_interest(&self, user: &UserId) -> Result<Interest> {
        let rows = self.core.rooms.memberships(user).await?;
        let joined = rows.iter().filter(|row| row.membership == Membership::Join);
        let mut owners: HashSet<_> = joined.map(|row| room_owner(&row.room_id)).collect();
        owners.insert(user_owner(user));
        let rows = rows
            .into_iter()
            .map(|row| (row.room_id.clone(), row))
            .collect();
        Ok(Interest { rows, owners })
    }
}
