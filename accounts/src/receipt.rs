//! Receipts: up to where in a room's timeline a user has read. Those of other servers' users are
//! kept too.

use gantry_model::id::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use gantry_store::schema::DATA;
use gantry_store::{Blob, Key, Position, Scan, Stamp};
use serde::{Deserialize, Serialize};

use crate::accounts::{Versioned, check_name};
use crate::{Accounts, DataKind, Result, keys};

/// The most receipts of a room that are read at once.
const MAX_RECEIPTS: usize = 50_000;

/// The longest timeline key, in bytes.
const MAX_KEY_BYTES: usize = 64;

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The room.
    pub room: OwnedRoomId,
    /// Who has read.
    pub user: OwnedUserId,
    /// `m.read`, or `m.read.private`.
    pub kind: String,
    /// The thread's root, `main`, or nothing for a receipt of the whole room.
    pub thread: Option<String>,
    /// The event up to which the user has read.
    pub event_id: OwnedEventId,
    /// When, in milliseconds since the Unix epoch.
    pub ts: i64,
    /// Where in the timeline the event stands; its bytes are ordered like the timeline. Empty: not
    /// known, and before everything that is.
    pub key: Vec<u8>,
}

/// A receipt with its place in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// Where in the stream it stands.
    pub position: Position,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ReceiptRow {
    room: OwnedRoomId,
    user: OwnedUserId,
    kind: String,
    thread: Option<String>,
    event: OwnedEventId,
    ts: i64,
    tk: Blob,
    v: i64,
    /// The position, which the store fills in.
    #[serde(default)]
    w: u16,
    #[serde(default)]
    s: u64,
}

impl Versioned for ReceiptRow {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl ReceiptRow {
    fn new(receipt: &Receipt) -> Self {
        Self {
            room: receipt.room.clone(),
            user: receipt.user.clone(),
            kind: receipt.kind.clone(),
            thread: receipt.thread.clone(),
            event: receipt.event_id.clone(),
            ts: receipt.ts,
            tk: Blob::from(receipt.key.clone()),
            v: 0,
            w: 0,
            s: 0,
        }
    }

    pub(crate) fn into_stored(self) -> StoredReceipt {
        let receipt = Receipt {
            room: self.room,
            user: self.user,
            kind: self.kind,
            thread: self.thread,
            event_id: self.event,
            ts: self.ts,
            key: Vec::from(self.tk),
        };
        StoredReceipt {
            receipt,
            position: Position {
                w: self.w,
                s: self.s,
            },
        }
    }
}

impl Accounts {
    /// Moves a receipt, if it moves forward in the timeline. True: it moved.
    pub async fn set_receipt(&self, receipt: Receipt) -> Result<bool> {
        check_name("the type of the receipt", &receipt.kind)?;
        check_name(
            "the thread of the receipt",
            receipt.thread.as_deref().unwrap_or(""),
        )?;
        if receipt.key.len() > MAX_KEY_BYTES {
            return Err(crate::Error::TooLarge("the timeline key"));
        }
        let thread = receipt.thread.as_deref();
        let key = keys::receipt(&receipt.room, &receipt.user, &receipt.kind, thread);
        let moved = self.update(DATA, key, Stamp::Position, |row: Option<ReceiptRow>| {
            let forward = row.is_none_or(|row| Vec::from(row.tk) < receipt.key);
            Ok(forward.then(|| ReceiptRow::new(&receipt)))
        });
        Ok(moved.await?.is_some())
    }

    /// The receipts of a room, private ones too.
    pub async fn receipts(&self, room: &RoomId) -> Result<Vec<StoredReceipt>> {
        let prefix = keys::data_prefix(&keys::room_owner(room), DataKind::Receipt);
        let scan = Scan::prefix(&prefix).limit(MAX_RECEIPTS);
        let rows = self.inner.store.scan::<ReceiptRow>(DATA, scan).await?;
        Ok(rows.into_iter().map(|(_, row)| row.into_stored()).collect())
    }

    /// One receipt.
    pub async fn receipt(
        &self,
        room: &RoomId,
        user: &UserId,
        kind: &str,
        thread: Option<&str>,
    ) -> Result<Option<StoredReceipt>> {
        let key = keys::receipt(room, user, kind, thread);
        let row = self.inner.store.get::<ReceiptRow>(DATA, &key).await?;
        Ok(row.map(ReceiptRow::into_stored))
    }

    /// Per room the farthest receipt of a user, public or private, of the room or its main
    /// timeline, in the order of `rooms`: one read for all.
    pub async fn read_up_to(
        &self,
        user: &UserId,
        rooms: &[OwnedRoomId],
    ) -> Result<Vec<Option<Receipt>>> {
        let of_room = |room: &OwnedRoomId| {
            let key = |kind, thread| keys::receipt(room, user, kind, thread);
            [
                key("m.read", None),
                key("m.read", Some("main")),
                key("m.read.private", None),
                key("m.read.private", Some("main")),
            ]
        };
        let keys: Vec<Key> = rooms.iter().flat_map(of_room).collect();
        let rows = self
            .inner
            .store
            .multi_get::<ReceiptRow>(DATA, &keys)
            .await?;
        let mut rows = rows.into_iter();
        let farthest = |_: &OwnedRoomId| {
            let four = rows.by_ref().take(4).flatten();
            four.map(|row| row.into_stored().receipt)
                .max_by(|a, b| a.key.cmp(&b.key))
        };
        Ok(rooms.iter().map(farthest).collect())
    }

    /// For each of these threads of a room (`None`: the whole room) the farthest receipt of a user,
    /// public or private, in their order: one read for all.
    pub async fn farthest(
        &self,
        user: &UserId,
        room: &RoomId,
        threads: &[Option<&str>],
    ) -> Result<Vec<Option<Receipt>>> {
        let of_thread = |thread| {
            let key = |kind| keys::receipt(room, user, kind, thread);
            [key("m.read"), key("m.read.private")]
        };
        let keys: Vec<Key> = threads.iter().copied().flat_map(of_thread).collect();
        let store = &self.inner.store;
        let rows = store.multi_get::<ReceiptRow>(DATA, &keys).await?;
        let receipts: Vec<_> = rows
            .into_iter()
            .map(|row| row.map(|row| row.into_stored().receipt))
            .collect();
        let farthest = |both: &[Option<Receipt>]| {
            let both = both.iter().flatten();
            both.max_by(|a, b| a.key.cmp(&b.key)).cloned()
        };
        Ok(receipts.chunks(2).map(farthest).collect())
    }

    /// The receipts at keys that a change named.
    pub async fn receipts_at(&self, keys: &[Key]) -> Result<Vec<StoredReceipt>> {
        let rows = self.inner.store.multi_get::<ReceiptRow>(DATA, keys).await?;
        Ok(rows
            .into_iter()
            .flatten()
            .map(ReceiptRow::into_stored)
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::Receipt;
    use crate::testing::{accounts, room, user};

    fn receipt(kind: &str, key: u8) -> Receipt {
        Receipt {
            room: room("here"),
            user: user("alice"),
            kind: kind.to_owned(),
            thread: None,
            event_id: format!("$event{key}").try_into().unwrap(),
            ts: 5,
            key: vec![key],
        }
    }

    #[tokio::test]
    async fn a_receipt_moves_only_forward() {
        let (accounts, _dir) = accounts().await;

        for (key, expected) in [(5, true), (4, false), (5, false), (6, true)] {
            assert_eq!(
                accounts.set_receipt(receipt("m.read", key)).await.unwrap(),
                expected
            );
        }

        let stored = accounts
            .receipt(&room("here"), &user("alice"), "m.read", None)
            .await
            .unwrap();
        assert_eq!(stored.unwrap().receipt, receipt("m.read", 6));
        assert_eq!(accounts.receipts(&room("here")).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn types_and_threads_have_receipts_of_their_own() {
        let (accounts, _dir) = accounts().await;
        let rooms = [room("there"), room("here")];

        accounts.set_receipt(receipt("m.read", 9)).await.unwrap();
        accounts
            .set_receipt(receipt("m.read.private", 3))
            .await
            .unwrap();
        let in_thread = Receipt {
            thread: Some("$root".to_owned()),
            ..receipt("m.read", 20)
        };
        accounts.set_receipt(in_thread).await.unwrap();

        assert_eq!(accounts.receipts(&room("here")).await.unwrap().len(), 3);
        let read = accounts.read_up_to(&user("alice"), &rooms).await.unwrap();
        assert_eq!(read, vec![None, Some(receipt("m.read", 9))]);
    }

    #[tokio::test]
    async fn moved_receipts_are_found_by_room() {
        let (accounts, _dir) = accounts().await;
        accounts.set_receipt(receipt("m.read", 1)).await.unwrap();
        let since = accounts.cut();
        let other = Receipt {
            room: room("there"),
            ..receipt("m.read", 1)
        };
        accounts.set_receipt(other).await.unwrap();
        accounts.set_receipt(receipt("m.read", 2)).await.unwrap();

        let rooms = [room("here")];
        let moved = accounts
            .receipts_since(&rooms, &since, &accounts.cut())
            .await
            .unwrap();

        assert_eq!(moved.len(), 1);
        assert_eq!(moved[0].receipt, receipt("m.read", 2));
    }
}
