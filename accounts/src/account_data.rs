//! Account data: what a user's clients keep here, of the whole account or of one room.

use gantry_model::Object;
use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use gantry_store::schema::DATA;
use gantry_store::{Key, Position, Scan, Stamp};
use serde::{Deserialize, Serialize};

use crate::accounts::{Versioned, check_name, content_text};
use crate::{Accounts, DataKind, Error, Result, keys};

/// The most account data of a user that are read at once.
const MAX_DATA: usize = 50_000;

/// One piece of account data.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountDatum {
    /// The room that it is about, if it is about one.
    pub room: Option<OwnedRoomId>,
    /// The event type.
    pub kind: String,
    /// The content; an empty object also stands for a deletion.
    pub content: Object,
    /// Where in the stream it stands.
    pub position: Position,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DatumRow {
    user: OwnedUserId,
    room: Option<OwnedRoomId>,
    kind: String,
    /// JSON, because field names are the user's.
    content: String,
    v: i64,
    /// The position, which the store fills in.
    #[serde(default)]
    w: u16,
    #[serde(default)]
    s: u64,
}

impl Versioned for DatumRow {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl DatumRow {
    pub(crate) fn position(&self) -> Position {
        Position {
            w: self.w,
            s: self.s,
        }
    }

    pub(crate) fn into_datum(self) -> Result<AccountDatum> {
        Ok(AccountDatum {
            content: serde_json::from_str(&self.content).map_err(Error::Damaged)?,
            position: self.position(),
            room: self.room,
            kind: self.kind,
        })
    }
}

impl Accounts {
    /// Stores a piece of account data in place of what was there.
    pub async fn set_account_data(
        &self,
        user: &UserId,
        room: Option<&RoomId>,
        kind: &str,
        content: Object,
    ) -> Result<()> {
        self.change_account_data(user, room, kind, |_| Some(content.clone()))
            .await
    }

    /// Stores what `change` makes from the present content, and asks it again when somebody else
    /// was faster; `None` leaves things as they are.
    pub async fn change_account_data(
        &self,
        user: &UserId,
        room: Option<&RoomId>,
        kind: &str,
        mut change: impl FnMut(Option<Object>) -> Option<Object>,
    ) -> Result<()> {
        check_name("the type of the account data", kind)?;
        let key = keys::account_datum(user, room, kind);
        self.update(DATA, key, Stamp::Position, |row: Option<DatumRow>| {
            let before = row.map(DatumRow::into_datum).transpose()?;
            let Some(content) = change(before.map(|datum| datum.content)) else {
                return Ok(None);
            };
            Ok(Some(DatumRow {
                user: user.to_owned(),
                room: room.map(RoomId::to_owned),
                kind: kind.to_owned(),
                content: content_text("the account data", &content)?,
                v: 0,
                w: 0,
                s: 0,
            }))
        })
        .await
        .map(|_| ())
    }

    /// The content of a piece of account data.
    pub async fn account_data(
        &self,
        user: &UserId,
        room: Option<&RoomId>,
        kind: &str,
    ) -> Result<Option<Object>> {
        let key = keys::account_datum(user, room, kind);
        let row = self.inner.store.get::<DatumRow>(DATA, &key).await?;
        Ok(row
            .map(DatumRow::into_datum)
            .transpose()?
            .map(|datum| datum.content))
    }

    /// All account data of a user, of all rooms and of none, but for those that were deleted.
    pub async fn all_account_data(&self, user: &UserId) -> Result<Vec<AccountDatum>> {
        let prefix = keys::data_prefix(&keys::user_owner(user), DataKind::AccountData);
        let scan = Scan::prefix(&prefix).limit(MAX_DATA);
        let rows = self.inner.store.scan::<DatumRow>(DATA, scan).await?;
        let data = rows.into_iter().map(|(_, row)| row.into_datum());
        data.filter(|datum| {
            datum
                .as_ref()
                .map_or(true, |datum| !datum.content.is_empty())
        })
        .collect()
    }

    /// The account data at keys that a change named.
    pub async fn account_data_at(&self, keys: &[Key]) -> Result<Vec<AccountDatum>> {
        let rows = self.inner.store.multi_get::<DatumRow>(DATA, keys).await?;
        rows.into_iter()
            .flatten()
            .map(DatumRow::into_datum)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::Object;

    use crate::Error;
    use crate::testing::{accounts, room, user};

    fn content(value: i64) -> Object {
        Object::from([("value".to_owned(), value.into())])
    }

    #[tokio::test]
    async fn account_data_is_kept_by_room_and_type() {
        let (accounts, _dir) = accounts().await;
        let (alice, here) = (user("alice"), room("here"));

        accounts
            .set_account_data(&alice, None, "k", content(1))
            .await
            .unwrap();
        accounts
            .set_account_data(&alice, Some(&here), "k", content(2))
            .await
            .unwrap();
        accounts
            .set_account_data(&alice, Some(&here), "k", content(3))
            .await
            .unwrap();

        assert_eq!(
            accounts.account_data(&alice, None, "k").await.unwrap(),
            Some(content(1))
        );
        let of_room = accounts
            .account_data(&alice, Some(&here), "k")
            .await
            .unwrap();
        assert_eq!(of_room, Some(content(3)));
        assert_eq!(accounts.all_account_data(&alice).await.unwrap().len(), 2);
        assert!(
            accounts
                .all_account_data(&user("bob"))
                .await
                .unwrap()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn every_change_has_a_later_position() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let before = accounts.cut();

        accounts
            .set_account_data(&alice, None, "a", content(1))
            .await
            .unwrap();
        let first = accounts.cut();
        accounts
            .set_account_data(&alice, None, "b", content(1))
            .await
            .unwrap();
        accounts
            .set_account_data(&alice, None, "b", content(2))
            .await
            .unwrap();

        let all = accounts
            .account_data_since(&alice, &before, &accounts.cut())
            .await
            .unwrap();
        let later = accounts
            .account_data_since(&alice, &first, &accounts.cut())
            .await
            .unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(later.len(), 1);
        assert_eq!(
            (later[0].kind.as_str(), &later[0].content),
            ("b", &content(2))
        );
        assert!(accounts.cut().contains(later[0].position));
        let none = accounts
            .account_data_since(&alice, &accounts.cut(), &accounts.cut())
            .await;
        assert!(none.unwrap().is_empty());
    }

    #[tokio::test]
    async fn changes_at_the_same_time_are_all_applied() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let one = |n: i64| {
            let (accounts, alice) = (accounts.clone(), alice.clone());
            async move {
                let add = |before: Option<Object>| {
                    let mut next = before.unwrap_or_default();
                    next.insert(n.to_string(), n.into());
                    Some(next)
                };
                accounts.change_account_data(&alice, None, "set", add).await
            }
        };

        let done = futures::future::join_all((0..8).map(one)).await;

        assert!(done.iter().all(Result::is_ok));
        let stored = accounts
            .account_data(&alice, None, "set")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stored.len(), 8);
    }

    #[tokio::test]
    async fn account_data_is_bounded() {
        let (accounts, _dir) = accounts().await;
        let large = Object::from([("x".to_owned(), "x".repeat(70_000).into())]);

        let refused = accounts
            .set_account_data(&user("alice"), None, "k", large)
            .await;
        let kind = "k".repeat(256);
        let long = accounts
            .set_account_data(&user("alice"), None, &kind, content(1))
            .await;

        assert!(matches!(refused, Err(Error::TooLarge(_))));
        assert!(matches!(long, Err(Error::TooLarge(_))));
    }
}
