//! Tickets: what somebody may do for a short time because he holds a secret.

use gantry_store::schema::TICKET;
use gantry_store::{Batch, Key, Scan, Stamp, concat, hash16};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::accounts::Versioned;
use crate::{Accounts, Error, Result};

/// The longest secret that is looked at, in bytes.
const MAX_SECRET_BYTES: usize = 512;

/// Expired tickets that are removed at once.
const SWEEP: usize = 200;

/// One of so many new tickets sweeps the expired ones away.
const SWEEP_EVERY: u64 = 32;

/// What a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TicketKind {
    /// A session of user-interactive authentication.
    Uia,
    /// A token of `m.login.token`.
    Login,
    /// An OpenID token.
    OpenId,
    /// A proof of an e-mail address.
    Email,
}

impl TicketKind {
    fn byte(self) -> u8 {
        match self {
            Self::Uia => b'u',
            Self::Login => b'l',
            Self::OpenId => b'o',
            Self::Email => b'e',
        }
    }
}

#[derive(Serialize, Deserialize)]
struct TicketRow {
    /// When it ends, in milliseconds since the Unix epoch.
    exp: i64,
    /// JSON.
    body: String,
    v: i64,
}

impl Versioned for TicketRow {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl Accounts {
    /// Stores a ticket under its secret.
    pub(crate) async fn put_ticket<T: Serialize>(
        &self,
        kind: TicketKind,
        secret: &str,
        exp: i64,
        body: &T,
    ) -> Result<()> {
        if self.inner.rng.next_u64().is_multiple_of(SWEEP_EVERY) {
            self.sweep_tickets().await?;
        }
        let row = TicketRow {
            exp,
            body: serde_json::to_string(body).map_err(Error::Damaged)?,
            v: 1,
        };
        Ok(self
            .inner
            .store
            .put(TICKET, key(kind, secret), &row)
            .await?)
    }

    /// The ticket of a secret, unless it has ended.
    pub(crate) async fn find_ticket<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        secret: &str,
    ) -> Result<Option<T>> {
        if secret.len() > MAX_SECRET_BYTES {
            return Ok(None);
        }
        let row = self
            .inner
            .store
            .get::<TicketRow>(TICKET, &key(kind, secret))
            .await?;
        self.read_ticket(row)
    }

    /// Changes a ticket that has not ended; `None` if there is none.
    pub(crate) async fn change_ticket<T: Serialize + DeserializeOwned>(
        &self,
        kind: TicketKind,
        secret: &str,
        mut change: impl FnMut(&mut T),
    ) -> Result<Option<T>> {
        let now = self.inner.clock.now_ms();
        let mut changed = None;
        self.update(TICKET, key(kind, secret), Stamp::None, |row| {
            let Some(mut row) = row.filter(|row: &TicketRow| row.exp > now) else {
                changed = None;
                return Ok(None);
            };
            let mut body: T = serde_json::from_str(&row.body).map_err(Error::Damaged)?;
            change(&mut body);
            row.body = serde_json::to_string(&body).map_err(Error::Damaged)?;
            changed = Some(body);
            Ok(Some(row))
        })
        .await?;
        Ok(changed)
    }

    /// Takes a ticket away; of several callers at once, one gets it.
    pub(crate) async fn take_ticket<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        secret: &str,
    ) -> Result<Option<T>> {
        if secret.len() > MAX_SECRET_BYTES {
            return Ok(None);
        }
        let taken = self
            .inner
            .store
            .take_one::<TicketRow>(TICKET, &key(kind, secret))
            .await?;
        self.read_ticket(taken.map(|(_, row)| row))
    }

    /// Ends a ticket.
    pub(crate) async fn drop_ticket(&self, kind: TicketKind, secret: &str) -> Result<()> {
        Ok(self.inner.store.delete(TICKET, key(kind, secret)).await?)
    }

    fn read_ticket<T: DeserializeOwned>(&self, row: Option<TicketRow>) -> Result<Option<T>> {
        row.filter(|row| row.exp > self.inner.clock.now_ms())
            .map(|row| serde_json::from_str(&row.body).map_err(Error::Damaged))
            .transpose()
    }

    async fn sweep_tickets(&self) -> Result<()> {
        let now = self.inner.clock.now_ms();
        let ended = Scan::index("exp", Vec::new()).between(
            std::ops::Bound::Unbounded,
            std::ops::Bound::Included(now.into()),
        );
        let rows = self
            .inner
            .store
            .scan::<TicketRow>(TICKET, ended.limit(SWEEP))
            .await?;
        let mut batch = Batch::new();
        for (key, _) in rows {
            batch.delete(TICKET, key);
        }
        if !batch.is_empty() {
            self.inner.store.commit(batch).await?;
        }
        Ok(())
    }
}

fn key(kind: TicketKind, secret: &str) -> Key {
    concat(&[&[kind.byte()], &hash16(&[secret.as_bytes()])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::accounts_with_clock;

    #[tokio::test]
    async fn a_ticket_is_taken_once_and_in_time() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let exp = clock.now() + 1_000;
        for secret in ["a", "b"] {
            accounts
                .put_ticket(TicketKind::Login, secret, exp, &1)
                .await
                .unwrap();
        }

        let other = accounts.take_ticket::<i32>(TicketKind::OpenId, "a").await;
        let first = accounts.take_ticket::<i32>(TicketKind::Login, "a").await;
        let second = accounts.take_ticket::<i32>(TicketKind::Login, "a").await;
        clock.advance(1_000);
        let late = accounts.take_ticket::<i32>(TicketKind::Login, "b").await;

        assert_eq!(other.unwrap(), None);
        assert_eq!(first.unwrap(), Some(1));
        assert_eq!(second.unwrap(), None);
        assert_eq!(late.unwrap(), None);
    }

    #[tokio::test]
    async fn expired_tickets_are_swept_and_others_stay() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let now = clock.now();
        accounts
            .put_ticket(TicketKind::Uia, "old", now + 1, &1)
            .await
            .unwrap();
        accounts
            .put_ticket(TicketKind::Uia, "new", now + 1_000, &2)
            .await
            .unwrap();
        clock.advance(10);

        accounts.sweep_tickets().await.unwrap();

        let left = accounts
            .inner
            .store
            .scan::<TicketRow>(TICKET, Scan::prefix(b"u"))
            .await
            .unwrap();
        assert_eq!(left.len(), 1);
        let changed = accounts
            .change_ticket(TicketKind::Uia, "new", |number: &mut i32| *number += 1)
            .await
            .unwrap();
        assert_eq!(changed, Some(3));
    }
}
