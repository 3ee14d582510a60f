//! Events that users have asked to be sent later (MSC4140).
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/4140>.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gantry_model::Object;
use gantry_model::id::{OwnedRoomId, OwnedUserId, UserId};
use gantry_store::schema::DELAYED;
use gantry_store::{Key, Scan};
use serde::{Deserialize, Serialize};

use crate::accounts::content_text;
use crate::{Accounts, Error, Result, user_owner};

/// The most that are read at once.
const MAX_READ: usize = 100_000;

/// An event that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct DelayedEvent {
    /// Its secret: whoever knows it may send, restart or cancel it.
    pub delay_id: String,
    /// Who sends it.
    pub user: OwnedUserId,
    /// From which device.
    pub device: String,
    /// Where.
    pub room: OwnedRoomId,
    /// The event type.
    pub kind: String,
    /// The state key, of a state event.
    pub state_key: Option<String>,
    /// The content.
    pub content: Object,
    /// How long it waits, in milliseconds.
    pub delay_ms: i64,
    /// Since when it waits, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// The client's transaction.
    pub txn: Option<String>,
}

impl DelayedEvent {
    /// When it is sent, in milliseconds since the Unix epoch.
    pub fn due_ms(&self) -> i64 {
        self.since_ms.saturating_add(self.delay_ms)
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    user: OwnedUserId,
    device: String,
    room: OwnedRoomId,
    #[serde(rename = "type")]
    kind: String,
    state_key: Option<String>,
    /// JSON, because field names are the user's.
    content: String,
    delay: i64,
    since: i64,
    txn: Option<String>,
}

impl Row {
    fn of(event: &DelayedEvent) -> Result<Self> {
        Ok(Self {
            user: event.user.clone(),
            device: event.device.clone(),
            room: event.room.clone(),
            kind: event.kind.clone(),
            state_key: event.state_key.clone(),
            content: content_text("the delayed event", &event.content)?,
            delay: event.delay_ms,
            since: event.since_ms,
            txn: event.txn.clone(),
        })
    }

    fn into_event(self, key: &[u8]) -> Result<DelayedEvent> {
        Ok(DelayedEvent {
            delay_id: URL_SAFE_NO_PAD.encode(key),
            content: serde_json::from_str(&self.content).map_err(Error::Damaged)?,
            user: self.user,
            device: self.device,
            room: self.room,
            kind: self.kind,
            state_key: self.state_key,
            delay_ms: self.delay,
            since_ms: self.since,
            txn: self.txn,
        })
    }
}

impl Accounts {
    /// A secret for a new delayed event of a user.
    pub fn new_delay_id(&self, user: &UserId) -> String {
        let mut key = user_owner(user).to_vec();
        let mut random = [0; 16];
        self.inner.rng.fill(&mut random);
        key.extend_from_slice(&random);
        URL_SAFE_NO_PAD.encode(key)
    }

    /// Stores a delayed event, in place of what has its secret.
    pub async fn put_delayed_event(&self, event: &DelayedEvent) -> Result<()> {
        let Some(key) = key_of(&event.delay_id) else {
            return Err(Error::TooLarge("the delay id"));
        };
        let row = Row::of(event)?;
        Ok(self.inner.store.put(DELAYED, key, &row).await?)
    }

    /// The delayed event of a secret.
    pub async fn delayed_event(&self, delay_id: &str) -> Result<Option<DelayedEvent>> {
        let Some(key) = key_of(delay_id) else {
            return Ok(None);
        };
        let row = self.inner.store.get::<Row>(DELAYED, &key).await?;
        row.map(|row| row.into_event(&key)).transpose()
    }

    /// The delayed events of a user, or of all.
    pub async fn delayed_events(&self, user: Option<&UserId>) -> Result<Vec<DelayedEvent>> {
        let prefix = user.map(user_owner);
        let prefix = prefix.as_ref().map_or(&[][..], |owner| &owner[..]);
        let scan = Scan::prefix(prefix).limit(MAX_READ);
        let rows = self.inner.store.scan::<Row>(DELAYED, scan).await?;
        rows.into_iter()
            .map(|(key, row)| row.into_event(&key))
            .collect()
    }

    /// Takes a delayed event away: it was sent, or shall not be.
    pub async fn remove_delayed_event(&self, delay_id: &str) -> Result<()> {
        match key_of(delay_id) {
            Some(key) => Ok(self.inner.store.delete(DELAYED, key).await?),
            None => Ok(()),
        }
    }
}

fn key_of(delay_id: &str) -> Option<Key> {
    let key = URL_SAFE_NO_PAD.decode(delay_id).ok()?;
    (key.len() == DELAYED.key_len).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{accounts, room, user};

    #[tokio::test]
    async fn a_delayed_event_is_found_by_its_secret_and_its_user() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let event = DelayedEvent {
            delay_id: accounts.new_delay_id(&alice),
            user: alice.clone(),
            device: "D".to_owned(),
            room: room("here"),
            kind: "m.x".to_owned(),
            state_key: None,
            content: Object::from([("a.b".to_owned(), 1.into())]),
            delay_ms: 500,
            since_ms: 1_000,
            txn: Some("t".to_owned()),
        };

        accounts.put_delayed_event(&event).await.unwrap();

        assert_eq!(event.due_ms(), 1_500);
        let found = accounts.delayed_event(&event.delay_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&event));
        assert_eq!(
            accounts.delayed_events(Some(&alice)).await.unwrap(),
            std::slice::from_ref(&event)
        );
        assert!(
            accounts
                .delayed_events(Some(&user("bob")))
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(accounts.delayed_event("abc").await.unwrap(), None);
        accounts
            .remove_delayed_event(&event.delay_id)
            .await
            .unwrap();
        assert!(accounts.delayed_events(None).await.unwrap().is_empty());
    }
}
