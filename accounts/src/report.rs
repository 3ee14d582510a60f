//! Reports: what users want an administrator to look at.

use std::ops::Bound;

use gantry_model::hash::hex;
use gantry_model::id::{OwnedEventId, OwnedRoomId, OwnedUserId};
use gantry_store::schema::REPORT;
use gantry_store::{Key, Scan, concat};
use serde::{Deserialize, Serialize};

use crate::{Accounts, Error, Result};

/// The longest reason, in bytes.
const MAX_REASON_BYTES: usize = 8_192;

/// The most reports of one page.
const MAX_PAGE: usize = 1_000;

/// A report of an event, a room or a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Who reports.
    pub reporter: OwnedUserId,
    /// The room, if it is about a room or an event.
    pub room: Option<OwnedRoomId>,
    /// The event, if it is about one.
    pub event: Option<OwnedEventId>,
    /// The user, if it is about one.
    pub user: Option<OwnedUserId>,
    /// Why.
    pub reason: Option<String>,
    /// How bad it is, from 0 to -100, where an old client says so.
    pub score: Option<i64>,
    /// When, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub received_ts: i64,
}

/// A report that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReport {
    /// Its id, also where the next page begins.
    pub id: String,
    /// The report.
    pub report: Report,
}

impl Accounts {
    /// Keeps a report; the time is filled in.
    pub async fn add_report(&self, mut report: Report) -> Result<()> {
        if report
            .reason
            .as_ref()
            .is_some_and(|why| why.len() > MAX_REASON_BYTES)
        {
            return Err(Error::TooLarge("the reason"));
        }
        report.received_ts = self.inner.clock.now_ms();
        let key = concat(&[
            &(report.received_ts as u64).to_be_bytes(),
            &self.inner.rng.next_u64().to_be_bytes(),
        ]);
        self.inner.store.put(REPORT, key, &report).await?;
        Ok(())
    }

    /// Reports, the newest first, from before the one of this id.
    pub async fn reports(&self, before: Option<&str>, limit: usize) -> Result<Vec<StoredReport>> {
        let to = match before {
            None => Bound::Unbounded,
            Some(id) => match key_of(id) {
                Some(key) => Bound::Excluded(key),
                None => return Ok(Vec::new()),
            },
        };
        let scan = Scan::range(Bound::Unbounded, to)
            .reverse()
            .limit(limit.min(MAX_PAGE));
        let rows = self.inner.store.scan::<Report>(REPORT, scan).await?;
        Ok(rows
            .into_iter()
            .map(|(key, report)| StoredReport {
                id: id_of(&key),
                report,
            })
            .collect())
    }

    /// One report.
    pub async fn report(&self, id: &str) -> Result<Option<Report>> {
        match key_of(id) {
            Some(key) => Ok(self.inner.store.get(REPORT, &key).await?),
            None => Ok(None),
        }
    }

    /// Deletes a report; false: there is none.
    pub async fn delete_report(&self, id: &str) -> Result<bool> {
        let there = self.report(id).await?.is_some();
        if let Some(key) = key_of(id) {
            self.inner.store.delete(REPORT, key).await?;
        }
        Ok(there)
    }
}

fn id_of(key: &Key) -> String {
    hex(key)
}

fn key_of(id: &str) -> Option<Key> {
    if id.len() != 32 || !id.is_ascii() {
        return None;
    }
    (0..16)
        .map(|index| u8::from_str_radix(id.get(index * 2..index * 2 + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{accounts_with_clock, user};

    #[tokio::test]
    async fn reports_are_read_newest_first() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        for number in 0..3 {
            let report = Report {
                reporter: user("alice"),
                room: None,
                event: None,
                user: Some(user("bob")),
                reason: Some(number.to_string()),
                score: None,
                received_ts: 0,
            };
            accounts.add_report(report).await.unwrap();
            clock.advance(1);
        }

        let first = accounts.reports(None, 2).await.unwrap();
        let rest = accounts.reports(Some(&first[1].id), 2).await.unwrap();

        assert_eq!(first[0].report.reason.as_deref(), Some("2"));
        assert_eq!(rest.len(), 1);
        assert_eq!(rest[0].report.reason.as_deref(), Some("0"));
        assert!(accounts.delete_report(&rest[0].id).await.unwrap());
        assert_eq!(accounts.report(&rest[0].id).await.unwrap(), None);
        assert!(accounts.reports(Some("x"), 2).await.unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_an_id_or_refused(text in "\\PC{0,34}|[0-9a-f+]{32}") {
            if let Some(key) = key_of(&text) {
                prop_assert_eq!(key.len(), 16);
            }
        }
    }
}
