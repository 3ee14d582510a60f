//! Whether a node hears of itself.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::follower::LEASE;
use crate::slot::SlotRow;

/// Heartbeats on their way; older ones never come back, because another version took their place.
const MOST: usize = 64;

/// Whether what this node keeps in memory may be used: its heartbeats come back to it.
#[derive(Default)]
pub(crate) struct Freshness(Mutex<Beats>);

#[derive(Default)]
struct Beats {
    /// Version of our row, and when it was sent.
    sent: VecDeque<(u16, i64, Instant)>,
    until: Option<Instant>,
}

impl Freshness {
    /// Notes a heartbeat that is about to be sent.
    pub(crate) fn sending(&self, w: u16, version: i64) {
        let mut beats = self.lock();
        beats.sent.push_back((w, version, Instant::now()));
        if beats.sent.len() > MOST {
            beats.sent.pop_front();
        }
    }

    /// Notes that a row has come back.
    pub(crate) fn came_back(&self, row: &SlotRow) {
        let mut beats = self.lock();
        let is_this =
            |(w, version, _): &(u16, i64, Instant)| (*w, *version) == (row.w(), row.version());
        if let Some(at) = beats.sent.iter().position(is_this) {
            let until = beats.sent[at].2 + LEASE;
            beats.until = beats.until.max(Some(until));
            beats.sent.drain(..=at);
        }
    }

    /// Whether the newest heartbeat that has come back was sent within a lease.
    pub(crate) fn is_fresh(&self) -> bool {
        self.lock()
            .until
            .is_some_and(|until| Instant::now() < until)
    }

    fn lock(&self) -> MutexGuard<'_, Beats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
