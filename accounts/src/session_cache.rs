//! Sessions that were looked up before.

use std::collections::HashMap;

use gantry_model::id::UserId;
use parking_lot::Mutex;

use crate::Session;

/// Sessions kept; beyond them all are looked up anew.
const CAPACITY: usize = 20_000;

/// Valid sessions by the hash of their token. What is not here is read from the store.
#[derive(Default)]
pub(crate) struct SessionCache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Raised by every revocation: what was read before one may not be kept after it.
    epoch: u64,
    sessions: HashMap<[u8; 32], KnownSession>,
}

/// A session and its end.
#[derive(Clone)]
pub(crate) struct KnownSession {
    pub(crate) session: Session,
    /// When its access token ends, in milliseconds since the Unix epoch.
    pub(crate) expires_ts: Option<i64>,
}

impl SessionCache {
    /// The session, or else the epoch to give to [`SessionCache::keep`] after a lookup.
    pub(crate) fn get(&self, token_key: &[u8; 32]) -> Result<KnownSession, u64> {
        let inner = self.inner.lock();
        inner.sessions.get(token_key).cloned().ok_or(inner.epoch)
    }

    /// Keeps a session that was read, unless something was revoked meanwhile.
    pub(crate) fn keep(&self, known: KnownSession, epoch: u64) {
        let mut inner = self.inner.lock();
        if inner.epoch != epoch {
            return;
        }
        if inner.sessions.len() >= CAPACITY {
            inner.sessions.clear();
        }
        inner.sessions.insert(known.session.token_key, known);
    }

    /// Forgets the sessions of a user, after a revocation was committed.
    pub(crate) fn forget_user(&self, user: &UserId) {
        let mut inner = self.inner.lock();
        inner.epoch += 1;
        inner
            .sessions
            .retain(|_, known| known.session.user_id != user);
    }
}
