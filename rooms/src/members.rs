//! Memberships of local users: the one projection that is written with the entry it comes from.

use std::{fmt, str::FromStr, sync::Arc};

use gantry_model::{
    Pdu,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_store::{Batch, Key, Scan, concat, hash16, schema::MEMBERSHIP, to_document};
use serde::{Deserialize, Serialize};

use crate::{
    Result, Rooms,
    codec::Change,
    commit::Env,
    memory::{Dag, Memory},
};

/// A user's membership of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Membership {
    /// In the room.
    Join,
    /// Invited.
    Invite,
    /// Has left, was kicked, or never was there.
    Leave,
    /// Banned.
    Ban,
    /// Asked to be let in.
    Knock,
}

impl Membership {
    /// The membership as events write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Invite => "invite",
            Self::Leave => "leave",
            Self::Ban => "ban",
            Self::Knock => "knock",
        }
    }
}

impl fmt::Display for Membership {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The text is no membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a membership")]
pub struct UnknownMembership;

impl FromStr for Membership {
    type Err = UnknownMembership;

    fn from_str(text: &str) -> Result<Self, UnknownMembership> {
        [
            Self::Join,
            Self::Invite,
            Self::Leave,
            Self::Ban,
            Self::Knock,
        ]
        .into_iter()
        .find(|membership| membership.as_str() == text)
        .ok_or(UnknownMembership)
    }
}

/// A local user's membership of a room, with the two transitions before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipRow {
    /// The user.
    pub user: OwnedUserId,
    /// The room.
    pub room_id: OwnedRoomId,
    pub(crate) rid: i64,
    /// The membership.
    pub membership: Membership,
    /// The log position of the room that it was made from.
    pub(crate) v: i64,
    /// The member event.
    pub event_id: OwnedEventId,
    /// Who sent it.
    pub sender: OwnedUserId,
    /// Membership and log position before, newest first, at most two.
    #[serde(default)]
    pub(crate) before: Vec<(Membership, i64)>,
    /// Whether the user has forgotten the room.
    #[serde(default)]
    pub forgotten: bool,
}

impl MembershipRow {
    /// The log position of the room that the membership began at.
    pub fn pos(&self) -> u64 {
        self.v as u64
    }

    /// The room's number.
    pub fn room_number(&self) -> u64 {
        self.rid as u64
    }

    /// The membership that the user had when the room's log ended at `pos`; `None`: none, or
    /// longer ago than the row remembers.
    pub fn at(&self, pos: u64) -> Option<Membership> {
        let history = std::iter::once((self.membership, self.v)).chain(self.before.iter().copied());
        history
            .into_iter()
            .find(|(_, since)| *since as u64 <= pos)
            .map(|(membership, _)| membership)
    }

    /// The row with what no log tells: whether the user has forgotten the room since the last
    /// change of the membership.
    pub(crate) fn keeping(mut self, stored: Option<&Self>) -> Self {
        self.forgotten = stored.is_some_and(|old| old.forgotten && old.v == self.v);
        self
    }

    /// The membership before this one.
    pub fn previous(&self) -> Option<Membership> {
        self.before.first().map(|(membership, _)| *membership)
    }
}

/// The key of a user's row of a room.
pub(crate) fn row_key(user: &UserId, rid: u64) -> Key {
    concat(&[&hash16(&[user.as_bytes()]), &rid.to_be_bytes()])
}

/// A local user's new membership, as a change of the current state brings it.
pub(crate) struct Transition {
    pub(crate) user: OwnedUserId,
    membership: Membership,
    event: Arc<Pdu>,
}

impl Transition {
    /// The transition that a change is; `None`: it concerns no membership of a local user.
    pub(crate) fn of(
        dag: &Dag,
        (skid, _, new): &Change,
        is_local: &(dyn Fn(&UserId) -> bool + Sync),
    ) -> Option<Self> {
        let ("m.room.member", user) = dag.key(*skid)? else {
            return None;
        };
        let user = UserId::parse(user).ok().filter(|user| is_local(user))?;
        let event = new.and_then(|rn| dag.pdu(rn))?;
        let membership = event.content_str("membership")?.parse().ok()?;
        Some(Self {
            user,
            membership,
            event,
        })
    }

    /// The row that follows from the row before.
    pub(crate) fn row(
        self,
        room_id: &RoomId,
        rid: i64,
        pos: u64,
        old: Option<&MembershipRow>,
    ) -> MembershipRow {
        let mut before = Vec::new();
        if let Some(old) = old {
            before.push((old.membership, old.v));
            before.extend(old.before.iter().copied().take(1));
        }
        MembershipRow {
            user: self.user,
            room_id: room_id.to_owned(),
            rid,
            membership: self.membership,
            v: pos as i64,
            event_id: self.event.event_id().to_owned(),
            sender: self.event.sender().to_owned(),
            before,
            forgotten: false,
        }
    }
}

/// Adds the rows of the local users whose membership an entry changes.
pub(crate) async fn membership_rows(
    memory: &Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    changes: &[Change],
    pos: u64,
) -> Result<()> {
    for change in changes {
        let Some(transition) = Transition::of(&memory.dag, change, env.is_local) else {
            continue;
        };
        let key = row_key(&transition.user, memory.rid);
        // Of several changes in one batch the later ones replace the row of the earlier one.
        let pending = batch.ops.iter().rev().find_map(|op| {
            let is_row = op.op.table() == MEMBERSHIP && *op.op.key() == key;
            is_row.then(|| op.op.doc().cloned()).flatten()
        });
        let old: Option<MembershipRow> = match pending {
            Some(doc) => gantry_store::bson::deserialize_from_document(doc).ok(),
            None => memory.store.get(MEMBERSHIP, &key).await?,
        };
        let row = transition.row(&memory.room_id, memory.rid as i64, pos, old.as_ref());
        let doc = to_document(MEMBERSHIP, &row)?;
        batch.put_if(MEMBERSHIP, key, old.map(|old| old.v), doc);
    }
    Ok(())
}

impl Rooms {
    /// The rooms that a local user has to do with.
    pub async fn memberships(&self, user: &UserId) -> Result<Vec<MembershipRow>> {
        let scan = Scan::prefix(&hash16(&[user.as_bytes()]));
        let rows = self.store().scan::<MembershipRow>(MEMBERSHIP, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// A local user's membership of a room.
    pub async fn membership_of(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Result<Option<MembershipRow>> {
        match self.number(room).await? {
            Some(rid) => Ok(self.store().get(MEMBERSHIP, &row_key(user, rid)).await?),
            None => Ok(None),
        }
    }

    /// Takes a room that a user has left out of the user's sight. Who comes back at the same moment
    /// keeps it.
    pub async fn forget(&self, user: &UserId, room: &RoomId) -> Result<()> {
        let Some(row) = self.membership_of(user, room).await? else {
            return Ok(());
        };
        if row.membership != Membership::Join {
            let row = MembershipRow {
                forgotten: true,
                ..row
            };
            let key = row_key(user, row.rid as u64);
            self.store()
                .put_if(MEMBERSHIP, key, Some(row.v), &row)
                .await?;
        }
        Ok(())
    }
}
