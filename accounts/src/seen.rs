//! When and from where devices are used.

use std::collections::HashMap;

use gantry_store::Stamp;
use gantry_store::schema::DEVICE;
use parking_lot::Mutex;

use crate::device::{DeviceRow, LastSeen};
use crate::{Accounts, Result, Session, keys};

/// How exactly the last use of a device is known, in milliseconds.
const PRECISION_MS: i64 = 5 * 60 * 1_000;

/// Devices whose last use is remembered; beyond them all are written again.
const CAPACITY: usize = 50_000;

/// The longest name of a software that is kept, in characters.
const MAX_AGENT: usize = 255;

/// When each token's use was last written. Held for single look-ups.
#[derive(Default)]
pub(crate) struct Seen(Mutex<HashMap<[u8; 32], i64>>);

impl Seen {
    fn is_due(&self, token_key: [u8; 32], now: i64) -> bool {
        let mut seen = self.0.lock();
        if seen.len() >= CAPACITY {
            seen.clear();
        }
        let last = seen.entry(token_key).or_insert(i64::MIN);
        let is_due = now.saturating_sub(*last) >= PRECISION_MS;
        if is_due {
            *last = now;
        }
        is_due
    }
}

impl Accounts {
    /// Notes that a session was used. Written at most once in five minutes.
    pub async fn note_use(&self, session: &Session, ip: String, agent: Option<&str>) -> Result<()> {
        let now = self.inner.clock.now_ms();
        if !self.inner.seen.is_due(session.token_key, now) {
            return Ok(());
        }
        let last_seen = LastSeen {
            ts: now,
            ip,
            user_agent: agent.map(|agent| agent.chars().take(MAX_AGENT).collect()),
        };
        let key = keys::device(&session.user_id, &session.device_id);
        self.update(DEVICE, key, Stamp::None, |row: Option<DeviceRow>| {
            Ok(row.filter(|row| row.token.is_some()).map(|mut row| {
                row.last_seen = Some(last_seen.clone());
                row
            }))
        })
        .await
        .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{accounts_with_clock, has_account, user};

    #[tokio::test]
    async fn the_last_use_of_a_device_is_known() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let login = accounts.login(&alice, None, None).await.unwrap();
        let session = accounts
            .session(&login.access_token)
            .await
            .unwrap()
            .unwrap();
        let seen = || async {
            let devices = accounts.devices(&alice).await.unwrap();
            devices[0].last_seen.clone().map(|seen| seen.ip)
        };

        assert_eq!(seen().await, None);
        for (address, advance) in [("1.1.1.1", 0), ("2.2.2.2", 1), ("3.3.3.3", 400_000)] {
            clock.advance(advance);
            accounts
                .note_use(&session, address.to_owned(), Some("test"))
                .await
                .unwrap();
            let expected = if advance == 400_000 {
                "3.3.3.3"
            } else {
                "1.1.1.1"
            };
            assert_eq!(seen().await.as_deref(), Some(expected));
        }
    }
}
