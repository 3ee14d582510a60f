//! Who is there, in memory.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#presence>.

use std::collections::HashMap;

use gantry_model::id::{OwnedUserId, UserId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::Accounts;
use crate::node_news::NodeNews;
use crate::serial::next_serial;

/// Users remembered; beyond them those who are away are forgotten.
const MAX_USERS: usize = 100_000;
/// How long somebody who was active counts as active, in milliseconds.
const ACTIVE_MS: i64 = 5 * 60 * 1_000;
/// Who has gone is noticed after a multiple of this, in milliseconds: so that those who wait wake
/// together, not for each one who goes.
const STEP_MS: i64 = 10_000;
/// Other nodes hear that somebody is still there when it holds so much longer, in milliseconds.
const TOLD_AFTER_MS: i64 = 20_000;

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// Connected, and at the keyboard as far as the client knows.
    Online,
    /// Connected, but idle.
    Unavailable,
    /// Not connected, or wanting to look like that.
    #[default]
    Offline,
}

/// What is known of somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPresence {
    /// Who.
    pub user: OwnedUserId,
    /// Whether he is there.
    pub state: PresenceState,
    /// What he says of it.
    pub status_msg: Option<String>,
    /// For how long he has done nothing, in milliseconds; `None`: he never did anything.
    pub last_active_ago: Option<i64>,
    /// Whether he does something right now.
    pub currently_active: bool,
}

/// Everybody's presence.
pub(crate) struct Presence {
    inner: Mutex<Inner>,
    serial: watch::Sender<u64>,
}

struct Inner {
    serial: u64,
    users: HashMap<OwnedUserId, Entry>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    /// The number of its last change.
    serial: u64,
    state: PresenceState,
    status_msg: Option<String>,
    /// In milliseconds since the Unix epoch; 0: never.
    last_active: i64,
    /// When he is gone unless something is heard of him, likewise.
    until: i64,
    /// What other nodes were told of that.
    told_until: i64,
}

impl Presence {
    /// Begins to number at a time, so that numbers grow over restarts.
    pub(crate) fn new(now: i64) -> Self {
        let serial = u64::try_from(now).unwrap_or(0);
        let inner = Inner {
            serial,
            users: HashMap::new(),
        };
        Self {
            inner: Mutex::new(inner),
            serial: watch::Sender::new(serial),
        }
    }

    fn change<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner.lock();
        let done = act(&mut inner);
        self.serial.send_if_modified(|serial| {
            let moved = *serial != inner.serial;
            *serial = inner.serial;
            moved
        });
        done
    }
}

impl Inner {
    /// Changes somebody's presence. True: other nodes should hear of it.
    fn update(&mut self, user: &UserId, now: i64, change: impl FnOnce(&mut Entry)) -> bool {
        if self.users.len() >= MAX_USERS && !self.users.contains_key(user) {
            let is_there = |entry: &Entry| entry.state != PresenceState::Offline;
            self.users.retain(|_, entry| is_there(entry));
        }
        let serial = next_serial(self.serial, now);
        let entry = self.users.entry(user.to_owned()).or_default();
        let before = (entry.state, entry.status_msg.clone());
        change(entry);
        let is_new = before != (entry.state, entry.status_msg.clone()) || entry.serial == 0;
        if is_new {
            entry.serial = serial;
            self.serial = serial;
        }
        let is_longer = entry.until - entry.told_until > TOLD_AFTER_MS;
        if is_new || is_longer {
            entry.told_until = entry.until;
        }
        is_new || is_longer
    }

    /// Ends the presence of those of whom nothing was heard; returns when to look again.
    fn expire(&mut self, now: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        for entry in self.users.values_mut() {
            if entry.state == PresenceState::Offline {
                continue;
            }
            if entry.until <= now {
                entry.state = PresenceState::Offline;
                self.serial = next_serial(self.serial, now);
                entry.serial = self.serial;
            } else {
                next = Some(next.map_or(entry.until, |next| next.min(entry.until)));
            }
        }
        next.map(|next| next.div_euclid(STEP_MS) * STEP_MS + STEP_MS)
    }
}

impl Entry {
    fn shown(&self, user: &UserId, now: i64) -> UserPresence {
        let ago = now.saturating_sub(self.last_active);
        UserPresence {
            user: user.to_owned(),
            state: self.state,
            status_msg: self.status_msg.clone(),
            last_active_ago: (self.last_active > 0).then_some(ago),
            currently_active: self.state == PresenceState::Online && ago < ACTIVE_MS,
        }
    }
}

impl Accounts {
    /// Somebody says what his presence is. It holds for `lasting_ms` unless more is heard of him.
    pub fn set_presence(
        &self,
        user: &UserId,
        state: PresenceState,
        status_msg: Option<String>,
        lasting_ms: i64,
    ) {
        let now = self.inner.clock.now_ms();
        self.change_presence(user, now, |entry| {
            entry.state = state;
            entry.status_msg = status_msg;
            entry.last_active = now;
            entry.until = entry.until.max(now + lasting_ms);
        });
    }

    /// Somebody's client waits for news, for `lasting_ms` at most; so he is there.
    pub fn keep_present(&self, user: &UserId, state: PresenceState, lasting_ms: i64) {
        if state == PresenceState::Offline {
            return;
        }
        let now = self.inner.clock.now_ms();
        self.change_presence(user, now, |entry| {
            if entry.state == PresenceState::Offline {
                entry.last_active = now;
            }
            entry.state = state;
            entry.until = entry.until.max(now + lasting_ms);
        });
    }

    fn change_presence(&self, user: &UserId, now: i64, change: impl FnOnce(&mut Entry)) {
        let told = self.inner.presence.change(|inner| {
            inner.expire(now);
            let is_news = inner.update(user, now, change);
            is_news.then(|| inner.users.get(user).cloned()).flatten()
        });
        if let Some(entry) = told {
            self.tell_nodes(|| NodeNews::Presence {
                user: user.to_owned(),
                state: entry.state,
                status_msg: entry.status_msg,
                last_active: entry.last_active,
                until: entry.until,
            });
        }
    }

    /// Somebody's presence as another node has it; times in milliseconds since the Unix epoch.
    pub(crate) fn note_presence(
        &self,
        user: &UserId,
        state: PresenceState,
        status_msg: Option<String>,
        (last_active, until): (i64, i64),
    ) {
        let now = self.inner.clock.now_ms();
        self.inner.presence.change(|inner| {
            inner.update(user, now, |entry| {
                entry.state = state;
                entry.status_msg = status_msg;
                entry.last_active = entry.last_active.max(last_active);
                entry.until = entry.until.max(until);
            });
        });
    }

    /// Somebody did something.
    pub fn note_activity(&self, user: &UserId) {
        let now = self.inner.clock.now_ms();
        let mut inner = self.inner.presence.inner.lock();
        if let Some(entry) = inner.users.get_mut(user) {
            entry.last_active = now;
        }
    }

    /// Somebody's presence; of who was never seen, that he is away.
    pub fn presence(&self, user: &UserId) -> UserPresence {
        let now = self.inner.clock.now_ms();
        self.inner.presence.change(|inner| {
            inner.expire(now);
            let entry = inner.users.get(user).cloned().unwrap_or_default();
            entry.shown(user, now)
        })
    }

    /// The presences that changed after a serial; 0: of all who are not away.
    pub fn presence_since(&self, serial: u64) -> Vec<UserPresence> {
        let now = self.inner.clock.now_ms();
        let inner = self.inner.presence.inner.lock();
        let changed = inner.users.iter().filter(|(_, entry)| {
            entry.serial > serial && (serial > 0 || entry.state != PresenceState::Offline)
        });
        changed
            .map(|(user, entry)| entry.shown(user, now))
            .collect()
    }

    /// The number of the last change.
    pub fn presence_serial(&self) -> u64 {
        self.inner.presence.inner.lock().serial
    }

    /// Wakes when somebody's presence changes.
    pub fn subscribe_presence(&self) -> watch::Receiver<u64> {
        self.inner.presence.serial.subscribe()
    }

    /// Ends the presence of those of whom nothing was heard for long, and tells so; returns when to
    /// ask again, in milliseconds since the Unix epoch, if anybody is there.
    pub fn expire_presence(&self) -> Option<i64> {
        let now = self.inner.clock.now_ms();
        self.inner.presence.change(|inner| inner.expire(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{accounts, user};

    #[tokio::test]
    async fn who_is_not_heard_of_is_away() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        let begin = accounts.presence_serial();

        assert_eq!(accounts.presence(&alice).state, PresenceState::Offline);
        accounts.keep_present(&alice, PresenceState::Online, 60_000);
        let online = accounts.presence_serial();
        accounts.keep_present(&alice, PresenceState::Online, 60_000);
        assert_eq!(accounts.presence_serial(), online, "nothing changed");
        assert!(online > begin);
        assert!(accounts.presence(&alice).currently_active);

        let mut inner = accounts.inner.presence.inner.lock();
        let next = inner.expire(accounts.inner.clock.now_ms());
        assert!(next.is_some());
        inner.expire(accounts.inner.clock.now_ms() + 61_000);
        drop(inner);
        assert_eq!(accounts.presence(&alice).state, PresenceState::Offline);
        assert_eq!(accounts.presence_since(online).len(), 1);
        assert!(accounts.presence_since(0).is_empty());
    }

    #[tokio::test]
    async fn a_status_stays_until_it_is_taken_back() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");

        accounts.set_presence(&alice, PresenceState::Online, Some("tea".into()), 60_000);
        accounts.keep_present(&alice, PresenceState::Unavailable, 60_000);

        let shown = accounts.presence(&alice);
        assert_eq!(shown.state, PresenceState::Unavailable);
        assert_eq!(shown.status_msg.as_deref(), Some("tea"));
        accounts.set_presence(&alice, PresenceState::Offline, None, 60_000);
        assert_eq!(accounts.presence(&alice).status_msg, None);
    }
}
