//! Who is there, and who may know it: whoever shares a room.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#presence>.

use std::{collections::HashSet, sync::Arc, time::Duration};

use gantry_accounts::{PresenceState, Session, UserPresence};
use gantry_model::id::{OwnedUserId, UserId};
use gantry_rooms::{Membership, MembershipRow};

use crate::{Error, Feed, JoinedChange, Result, SyncToken, core::Core};

/// How long somebody stays who said that he is there, in milliseconds.
const SAID_MS: i64 = 5 * 60 * 1_000;
/// How long somebody stays after his client stopped waiting, in milliseconds.
const GRACE_MS: i64 = 30_000;
/// The longest status, in bytes.
const MAX_STATUS: usize = 2_048;

/// Who is there.
#[derive(Clone)]
pub struct Presences {
    core: Arc<Core>,
}

impl Presences {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The user says what his presence is.
    pub fn set(
        &self,
        session: &Session,
        state: PresenceState,
        status_msg: Option<String>,
    ) -> Result<()> {
        if status_msg
            .as_ref()
            .is_some_and(|text| text.len() > MAX_STATUS)
        {
            return Err(Error::invalid("The status message is too long"));
        }
        if self.core.config.presence {
            let status_msg = status_msg.filter(|text| !text.is_empty());
            let accounts = &self.core.accounts;
            accounts.set_presence(&session.user_id, state, status_msg, SAID_MS);
        }
        Ok(())
    }

    /// The user's client waits for news, at most so long.
    pub fn keep(&self, session: &Session, state: PresenceState, wait: Duration) {
        if self.core.config.presence {
            let lasting = i64::try_from(wait.as_millis()).unwrap_or(0) + GRACE_MS;
            let accounts = &self.core.accounts;
            accounts.keep_present(&session.user_id, state, lasting);
        }
    }

    /// The presence of a user that the asker shares a room with, or of himself.
    pub async fn of(&self, session: &Session, user: &UserId) -> Result<UserPresence> {
        let rows = self.core.rooms.memberships(&session.user_id).await?;
        if user != session.user_id && !self.core.shares_room(&rows, user).await? {
            return Err(Error::forbidden("You do not share a room with this user"));
        }
        Ok(self.core.accounts.presence(user))
    }
}

impl Core {
    /// Whether a user is in one of the joined rooms among these.
    pub(crate) async fn shares_room(&self, rows: &[MembershipRow], user: &UserId) -> Result<bool> {
        for row in rows.iter().filter(|row| row.membership == Membership::Join) {
            if let Some(view) = self.rooms.view(&row.room_id).await?
                && view.membership(user) == Some(Membership::Join)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Feed {
    /// Whether the presence of anybody changed whom the user shares a room with.
    pub(crate) async fn presence_concerns(
        &self,
        user: &UserId,
        rows: &[MembershipRow],
        since: u64,
    ) -> Result<bool> {
        if !self.core.config.presence {
            return Ok(false);
        }
        for changed in self.core.accounts.presence_since(since.max(1)) {
            if changed.user == user || self.core.shares_room(rows, &changed.user).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The presences that the user is told of: those that changed, and those of users who share a
    /// room with him only now.
    pub(crate) async fn presence(
        &self,
        user: &UserId,
        rows: &[MembershipRow],
        since: Option<&SyncToken>,
        joined: &[JoinedChange],
    ) -> Result<Vec<UserPresence>> {
        if !self.core.config.presence {
            return Ok(Vec::new());
        }
        let accounts = &self.core.accounts;
        let serial = since.map_or(0, |since| since.presence.max(1));
        let mut told: Vec<UserPresence> = Vec::new();
        for changed in accounts.presence_since(serial) {
            if changed.user == user || self.core.shares_room(rows, &changed.user).await? {
                told.push(changed);
            }
        }
        let known: HashSet<OwnedUserId> = told.iter().map(|one| one.user.clone()).collect();
        if since.is_some() && !joined.is_empty() {
            let there = accounts.presence_since(0).into_iter();
            told.extend(there.filter(|one| {
                !known.contains(&one.user) && joined.iter().any(|room| is_new(room, &one.user))
            }));
        }
        Ok(told)
    }
}

/// Whether the user came to be in the room, as far as the reader is concerned: the reader is new
/// there, or the other one is.
fn is_new(room: &JoinedChange, user: &UserId) -> bool {
    let Some(timeline) = &room.timeline else {
        return false;
    };
    if room.view.membership(user) != Some(Membership::Join) {
        return false;
    }
    let state = timeline.state.iter();
    let timeline = timeline.events.iter().map(|event| &event.pdu);
    room.newly
        || state
            .chain(timeline)
            .any(|pdu| pdu.is_state("m.room.member", user.as_str()))
}
