//! What a user would be told about: which changes wake a waiting client.

use std::collections::{HashMap, HashSet};

use gantry_accounts::{room_owner, user_owner};
use gantry_model::id::{OwnedRoomId, RoomId, UserId};
use gantry_rooms::{Cut, Membership, MembershipRow, StreamChange, StreamKind};

use crate::{Feed, Result, SyncToken};

/// What concerns one user.
struct Interest {
    rows: HashMap<OwnedRoomId, MembershipRow>,
    /// Owners of account data, receipts and invites from outside, as the stream names them.
    owners: HashSet<[u8; 16]>,
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
        user: &UserId,
        since: &SyncToken,
        upto: &SyncToken,
    ) -> Result<bool> {
        if since.cut.generation() != upto.cut.generation() {
            return Ok(true);
        }
        if since == upto {
            return Ok(false);
        }
        let changes = self
            .core
            .rooms
            .stream_changes(&since.cut, &upto.cut)
            .await?;
        let typing = self.core.accounts.typing_since(since.typing);
        let presence = upto.presence > since.presence;
        if changes.is_empty() && typing.is_empty() && !presence {
            return Ok(false);
        }
        let interest = self.interest(user).await?;
        if typing.iter().any(|change| interest.joined(&change.room)) {
            return Ok(true);
        }
        if presence {
            let rows: Vec<_> = interest.rows.values().cloned().collect();
            if self.presence_concerns(user, &rows, since.presence).await? {
                return Ok(true);
            }
        }
        for change in &changes {
            if self.is_told(&interest, change, &since.cut).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_told(
        &self,
        interest: &Interest,
        change: &StreamChange,
        since: &Cut,
    ) -> Result<bool> {
        let room = match &change.kind {
            StreamKind::Data { owner, .. } => return Ok(interest.owners.contains(owner)),
            StreamKind::Room { room, .. } => room,
        };
        match interest.rows.get(room) {
            None => Ok(false),
            Some(row) if row.membership == Membership::Join => Ok(true),
            // Of a room that the user is not in, only how he came to be there or left it.
            Some(row) => Ok(row.pos() > self.core.rooms.log_end(room, since).await?),
        }
    }

    async fn interest(&self, user: &UserId) -> Result<Interest> {
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
