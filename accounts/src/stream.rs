//! What changed between two cuts.

use std::collections::HashSet;

use gantry_model::id::{RoomId, UserId};
use gantry_store::schema::DATA;
use gantry_store::{Cut, Key, Position};

use crate::{
    AccountDatum, Accounts, DataKind, Result, StoredReceipt, data_kind, data_owner, room_owner,
    user_owner,
};

/// Farther apart than this, all that the user has is read instead of all that changed.
const FAR: u64 = 20_000;

/// A document of this crate that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChange {
    /// Whose it is: [`user_owner`] or [`room_owner`], by the kind.
    pub owner: [u8; 16],
    /// What it is.
    pub kind: DataKind,
    /// Its key, for [`Accounts::account_data_at`] and [`Accounts::receipts_at`].
    pub key: Key,
    /// Where in the stream it stands.
    pub position: Position,
}

impl Accounts {
    /// What was written after `since` and not after `upto`. Keep the two near each other.
    pub async fn data_changes(&self, since: &Cut, upto: &Cut) -> Result<Vec<DataChange>> {
        let changes = self.inner.store.changes(since, upto).await?;
        let ours = changes.into_iter().filter(|change| change.table == DATA);
        Ok(ours
            .filter_map(|change| {
                Some(DataChange {
                    owner: data_owner(&change.key)?,
                    kind: data_kind(&change.key)?,
                    key: change.key,
                    position: change.position,
                })
            })
            .collect())
    }

    /// The account data of a user that changed after `since` and not after `upto`; what changed
    /// again after `upto` may come too, with its newest content.
    pub async fn account_data_since(
        &self,
        user: &UserId,
        since: &Cut,
        upto: &Cut,
    ) -> Result<Vec<AccountDatum>> {
        if distance(since, upto) > FAR {
            let all = self.all_account_data(user).await?;
            return Ok(all
                .into_iter()
                .filter(|one| !since.contains(one.position))
                .collect());
        }
        let owner = user_owner(user);
        let changed = self.data_changes(since, upto).await?.into_iter();
        let keys: Vec<Key> = changed
            .filter(|change| change.kind == DataKind::AccountData && change.owner == owner)
            .map(|change| change.key)
            .collect();
        self.account_data_at(&keys).await
    }

    /// The receipts of rooms that moved after `since` and not after `upto`; what moved again after
    /// `upto` may come too.
    pub async fn receipts_since<R: AsRef<RoomId>>(
        &self,
        rooms: &[R],
        since: &Cut,
        upto: &Cut,
    ) -> Result<Vec<StoredReceipt>> {
        if distance(since, upto) > FAR {
            let mut moved = Vec::new();
            for room in rooms {
                let all = self.receipts(room.as_ref()).await?;
                moved.extend(all.into_iter().filter(|one| !since.contains(one.position)));
            }
            return Ok(moved);
        }
        let owners: HashSet<_> = rooms.iter().map(|room| room_owner(room.as_ref())).collect();
        let changed = self.data_changes(since, upto).await?.into_iter();
        let keys: Vec<Key> = changed
            .filter(|change| change.kind == DataKind::Receipt && owners.contains(&change.owner))
            .map(|change| change.key)
            .collect();
        self.receipts_at(&keys).await
    }
}

/// How many numbers lie between two cuts.
fn distance(since: &Cut, upto: &Cut) -> u64 {
    upto.marks()
        .map(|end| end.s.saturating_sub(since.mark(end.w)))
        .sum()
}
