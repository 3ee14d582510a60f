//! The parts of a user's changes that are not events: account data, receipts, typing.

use std::collections::HashMap;

use gantry_accounts::{AccountDatum, Receipt};
use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};

use crate::{Feed, Result, SyncToken, user_data::ReceiptKind};

type ByRoom<T> = HashMap<OwnedRoomId, T>;

impl Feed {
    /// Account data that changed: of the user, and of rooms.
    pub(crate) async fn account_data(
        &self,
        user: &UserId,
        since: Option<&SyncToken>,
        upto: &SyncToken,
    ) -> Result<(Vec<AccountDatum>, ByRoom<Vec<AccountDatum>>)> {
        let accounts = &self.core.accounts;
        let data = match since {
            None => accounts.all_account_data(user).await?,
            Some(since) => {
                accounts
                    .account_data_since(user, &since.cut, &upto.cut)
                    .await?
            }
        };
        let mut global = Vec::new();
        let mut rooms: ByRoom<Vec<_>> = HashMap::new();
        for datum in data {
            let datum = accounts.shown_datum(user, datum)?;
            match &datum.room {
                None => global.push(datum),
                Some(room) => rooms.entry(room.clone()).or_default().push(datum),
            }
        }
        Ok((global, rooms))
    }

    /// Receipts that moved in these rooms. Without `since` there are none: whoever is new to a
    /// room asks [`Feed::room_receipts`].
    pub(crate) async fn receipts(
        &self,
        user: &UserId,
        rooms: &[OwnedRoomId],
        since: Option<&SyncToken>,
        upto: &SyncToken,
    ) -> Result<ByRoom<Vec<Receipt>>> {
        let Some(since) = since else {
            return Ok(HashMap::new());
        };
        let moved = self
            .core
            .accounts
            .receipts_since(rooms, &since.cut, &upto.cut)
            .await?;
        let mut by_room: ByRoom<Vec<_>> = HashMap::new();
        for stored in moved {
            let receipt = stored.receipt;
            if is_shown(&receipt, user) {
                by_room
                    .entry(receipt.room.clone())
                    .or_default()
                    .push(receipt);
            }
        }
        Ok(by_room)
    }

    /// All receipts of a room that the user may see.
    pub(crate) async fn room_receipts(&self, user: &UserId, room: &RoomId) -> Result<Vec<Receipt>> {
        let all = self.core.accounts.receipts(room).await?;
        Ok(all
            .into_iter()
            .map(|stored| stored.receipt)
            .filter(|receipt| is_shown(receipt, user))
            .collect())
    }

    /// Who types in these rooms, where that changed.
    pub(crate) fn typing(
        &self,
        rooms: &[OwnedRoomId],
        since: Option<&SyncToken>,
    ) -> ByRoom<Vec<OwnedUserId>> {
        self.core
            .accounts
            .typing_since(since.map_or(0, |since| since.typing))
            .into_iter()
            .filter(|change| rooms.contains(&change.room))
            .filter(|change| since.is_some() || !change.users.is_empty())
            .map(|change| (change.room, change.users))
            .collect()
    }
}

/// Whether the user may see the receipt: private ones are for their owner.
fn is_shown(receipt: &Receipt, user: &UserId) -> bool {
    receipt.kind != ReceiptKind::ReadPrivate.as_str() || receipt.user == user
}
