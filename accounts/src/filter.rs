//! Sync filters. A filter's id is made from its content, so that the same filter is stored once.

use gantry_model::hash::sha256;
use gantry_model::id::UserId;
use gantry_model::{Object, canonical_json};
use gantry_store::schema::FILTER;
use serde::{Deserialize, Serialize};

use crate::accounts::content_text;
use crate::{Accounts, Error, Result, keys};

/// How many filters with the same id are told apart.
const MAX_COLLISIONS: u64 = 8;

#[derive(Serialize, Deserialize)]
struct FilterRow {
    /// JSON.
    filter: String,
}

impl Accounts {
    /// Stores a filter and returns its id.
    pub async fn put_filter(&self, user: &UserId, filter: &Object) -> Result<String> {
        let row = FilterRow {
            filter: content_text("the filter", filter)?,
        };
        let hash = sha256(&canonical_json::object_to_bytes(filter));
        let first = hash[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        for attempt in 0..MAX_COLLISIONS {
            let n = first.wrapping_add(attempt);
            let key = keys::filter(user, n);
            if self.inner.store.insert_new(FILTER, key, &row).await? {
                return Ok(format!("{n:016x}"));
            }
            let there = self
                .inner
                .store
                .get::<FilterRow>(FILTER, &keys::filter(user, n))
                .await?;
            if there.is_some_and(|there| there.filter == row.filter) {
                return Ok(format!("{n:016x}"));
            }
        }
        Err(Error::Contended)
    }

    /// A filter of a user.
    pub async fn filter(&self, user: &UserId, id: &str) -> Result<Option<Object>> {
        let Some(n) = (id.len() == 16)
            .then(|| u64::from_str_radix(id, 16).ok())
            .flatten()
        else {
            return Ok(None);
        };
        let row = self
            .inner
            .store
            .get::<FilterRow>(FILTER, &keys::filter(user, n))
            .await?;
        row.map(|row| serde_json::from_str(&row.filter).map_err(Error::Damaged))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::Object;

    use crate::testing::{accounts, user};

    #[tokio::test]
    async fn a_filter_is_found_by_its_id_and_its_user() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let filter = Object::from([("event_format".to_owned(), "client".into())]);

        let id = accounts.put_filter(&alice, &filter).await.unwrap();
        let again = accounts.put_filter(&alice, &filter).await.unwrap();
        let empty = accounts.put_filter(&alice, &Object::new()).await.unwrap();

        assert_eq!(id, again);
        assert_ne!(id, empty);
        assert!(!id.starts_with('{'));
        assert_eq!(accounts.filter(&alice, &id).await.unwrap(), Some(filter));
        assert_eq!(accounts.filter(&user("bob"), &id).await.unwrap(), None);
        assert_eq!(accounts.filter(&alice, "nonsense").await.unwrap(), None);
    }
}
