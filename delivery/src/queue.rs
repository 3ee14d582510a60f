//! What waits for one destination.

use std::{collections::VecDeque, sync::Arc};

use gantry_model::{Pdu, id::OwnedServerName};
use gantry_store::{Cut, Position};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::{
    Backoff, Edu, MAX_EDUS, MAX_PDUS,
    backlog::Backlog,
    cursor::{Row, before},
};

/// Events kept in memory; a destination with more waiting is served from the log.
const MAX_WAITING: usize = 500;
/// Ephemeral units kept for one destination; beyond them the oldest is dropped.
const MAX_WAITING_EDUS: usize = 1_000;

/// An event that waits.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) position: Position,
    pub(crate) pdu: Arc<Pdu>,
}

/// What waits for one destination, and how it fares.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) server: OwnedServerName,
    /// Wakes a worker that waits for the next attempt.
    pub(crate) wake: Notify,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
pub(crate) struct QueueState {
    /// Whether a worker is on it.
    pub(crate) running: bool,
    /// Events in the order of the log; empty while `behind` is set.
    pub(crate) waiting: VecDeque<Item>,
    /// Set: what comes after this cut is read from the log.
    pub(crate) behind: Option<Cut>,
    /// How catching up goes while `behind` is set.
    pub(crate) backlog: Backlog,
    /// Whether something waited when cursors were last stored.
    pub(crate) lagged: bool,
    edus: VecDeque<Edu>,
    last_ok: i64,
    last_failed: i64,
    failures: u32,
    retry_at: i64,
}

/// What a worker should do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing waits.
    Rest,
    /// Wait for so many milliseconds.
    Wait(i64),
    /// Send what waits.
    Send,
    /// Read the log after this cut.
    Read(Cut),
}

impl Queue {
    /// An empty queue.
    pub(crate) fn new(server: OwnedServerName) -> Self {
        Self {
            server,
            wake: Notify::new(),
            state: Mutex::default(),
        }
    }

    /// The queue of a server that was behind when we stopped.
    pub(crate) fn restore(server: OwnedServerName, row: &Row, behind: Option<Cut>) -> Self {
        let state = QueueState {
            behind,
            last_ok: row.last_ok,
            failures: u32::try_from(row.failures).unwrap_or(0),
            retry_at: row.retry_at,
            ..QueueState::default()
        };
        Self {
            server,
            wake: Notify::new(),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock()
    }
}

impl QueueState {
    /// Whether anything waits or is still to be read.
    pub(crate) fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.behind.is_some() || !self.edus.is_empty()
    }

    /// Whether it failed last time.
    pub(crate) fn is_failing(&self) -> bool {
        self.failures > 0
    }

    pub(crate) fn next(&self, now: i64) -> Next {
        if !self.has_work() {
            Next::Rest
        } else if self.retry_at > now {
            Next::Wait(self.retry_at - now)
        } else if let Some(behind) = &self.behind {
            Next::Read(behind.clone())
        } else {
            Next::Send
        }
    }

    /// Adds an event of the log. `upto` is the cut up to which the log was followed before it.
    pub(crate) fn push(&mut self, item: Item, upto: &Cut) {
        if self.behind.is_some() {
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.behind = Some(self.cursor(upto));
            self.waiting.clear();
            return;
        }
        self.waiting.push_back(item);
    }

    /// Adds an ephemeral unit in place of an older one with the same key.
    pub(crate) fn push_edu(&mut self, edu: Edu) {
        self.edus.retain(|old| old.key != edu.key);
        if self.edus.len() >= MAX_WAITING_EDUS {
            self.edus.pop_front();
        }
        self.edus.push_back(edu);
    }

    /// The first events that wait. They stay until [`QueueState::delivered`].
    pub(crate) fn head(&self) -> Vec<Item> {
        self.waiting.iter().take(MAX_PDUS).cloned().collect()
    }

    pub(crate) fn take_edus(&mut self) -> Vec<Edu> {
        let count = self.edus.len().min(MAX_EDUS);
        self.edus.drain(..count).collect()
    }

    /// A transaction with the first `count` waiting events arrived.
    pub(crate) fn delivered(&mut self, count: usize, now: i64) {
        let count = count.min(self.waiting.len());
        self.waiting.drain(..count);
        self.last_ok = now;
        self.failures = 0;
        self.retry_at = 0;
    }

    /// More waits than a transaction holds, and does not arrive: the log is read when the server is
    /// there again, because it need not get each event. `upto` as for [`QueueState::push`].
    pub(crate) fn fall_behind(&mut self, upto: &Cut) {
        if self.behind.is_none() && self.waiting.len() > MAX_PDUS {
            self.behind = Some(self.cursor(upto));
            self.waiting.clear();
        }
    }

    /// A transaction did not arrive.
    pub(crate) fn failed(&mut self, edus: Vec<Edu>, now: i64, pause: impl FnOnce(u32) -> i64) {
        self.failures = self.failures.saturating_add(1);
        self.last_failed = now;
        self.retry_at = now.saturating_add(pause(self.failures));
        for edu in edus.into_iter().rev().filter(|edu| edu.survives_failure) {
            if !self.edus.iter().any(|newer| newer.key == edu.key) {
                self.edus.push_front(edu);
            }
        }
        self.edus.retain(|edu| edu.survives_failure);
    }

    /// The server was heard of: it is tried again soon, but not more often than the first pause
    /// allows, in case it reaches us and we do not reach it. Whether a waiting worker should wake.
    pub(crate) fn note_alive(&mut self, backoff: Backoff) -> bool {
        let soon = self.last_failed.saturating_add(backoff.min_ms);
        let is_earlier = self.failures > 0 && soon < self.retry_at;
        if is_earlier {
            self.retry_at = soon;
        }
        is_earlier
    }

    /// Everything up to here was delivered.
    pub(crate) fn cursor(&self, upto: &Cut) -> Cut {
        match &self.behind {
            Some(behind) => behind.clone(),
            None => before(upto, self.waiting.iter().map(|item| item.position)),
        }
    }

    /// The row that should be stored now; `None`: the common cursor is enough.
    pub(crate) fn row(&self, server: &str, upto: &Cut) -> Option<Row> {
        let has_events = self.behind.is_some() || (self.lagged && !self.waiting.is_empty());
        let has_own_cursor = has_events || (self.failures > 0 && !self.waiting.is_empty());
        (has_own_cursor || self.failures > 0).then(|| Row {
            server: server.to_owned(),
            cursor: has_own_cursor.then(|| self.cursor(upto).to_string()),
            last_ok: self.last_ok,
            failures: i64::from(self.failures),
            retry_at: self.retry_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::Object;
    use gantry_roomgen::message_in;

    use super::*;

    fn item(s: u64) -> Item {
        let server = "b.c".try_into().unwrap();
        Item {
            position: Position { w: 1, s },
            pdu: Arc::new(message_in(server, "!a:b.c", s as i64, &[])),
        }
    }

    fn edu(key: &str, survives_failure: bool) -> Edu {
        Edu {
            key: key.to_owned(),
            object: Object::new(),
            survives_failure,
        }
    }

    fn cut(s: u64) -> Cut {
        format!("g1_1.{s}").parse().unwrap()
    }

    #[test]
    fn delivery_moves_the_cursor_over_what_was_delivered() {
        let mut queue = QueueState::default();
        queue.push(item(5), &cut(4));
        queue.push(item(7), &cut(6));
        assert_eq!(queue.cursor(&cut(9)), cut(4));

        queue.delivered(1, 0);
        assert_eq!(queue.cursor(&cut(9)), cut(6));
        queue.delivered(1, 0);

        assert_eq!(queue.cursor(&cut(9)), cut(9));
        assert_eq!(queue.next(0), Next::Rest);
    }

    #[test]
    fn too_much_is_read_from_the_log_again() {
        let mut queue = QueueState::default();
        for s in 0..=MAX_WAITING as u64 {
            queue.push(item(10 + s), &cut(9 + s));
        }

        assert!(queue.waiting.is_empty());
        assert_eq!(queue.next(0), Next::Read(cut(9)));
    }

    #[test]
    fn a_server_that_is_away_for_long_is_behind() {
        let mut queue = QueueState::default();
        for s in 0..=MAX_PDUS as u64 {
            queue.fall_behind(&cut(9 + s));
            queue.push(item(10 + s), &cut(9 + s));
        }
        assert_eq!(queue.next(0), Next::Send);

        queue.fall_behind(&cut(9 + MAX_PDUS as u64));

        assert_eq!(queue.next(0), Next::Read(cut(9)));
    }

    #[test]
    fn a_failure_waits_and_a_sign_of_life_shortens_it() {
        let backoff = Backoff {
            min_ms: 100,
            max_ms: 10_000,
        };
        let mut queue = QueueState::default();
        queue.push(item(2), &cut(1));

        queue.failed(Vec::new(), 1_000, |_| 5_000);
        assert_eq!(queue.next(2_000), Next::Wait(4_000));
        assert!(queue.note_alive(backoff));
        assert!(!queue.note_alive(backoff));

        assert_eq!(queue.next(1_099), Next::Wait(1));
        assert_eq!(queue.next(1_100), Next::Send);
    }

    #[test]
    fn of_ephemeral_units_the_last_of_a_kind_counts() {
        let mut queue = QueueState::default();
        queue.push_edu(edu("a", true));
        queue.push_edu(edu("b", false));
        queue.push_edu(edu("a", true));

        let sent = queue.take_edus();
        let keys: Vec<&str> = sent.iter().map(|edu| edu.key.as_str()).collect();
        assert_eq!(keys, ["b", "a"]);
        queue.failed(sent, 0, |_| 1);

        let kept: Vec<String> = queue.take_edus().into_iter().map(|edu| edu.key).collect();
        assert_eq!(kept, ["a"]);
    }

    #[test]
    fn only_a_server_that_lags_has_a_row() {
        let mut queue = QueueState::default();
        queue.push(item(5), &cut(4));
        assert_eq!(queue.row("a.com", &cut(9)), None);

        queue.lagged = true;
        let lagging = queue.row("a.com", &cut(9)).unwrap();
        assert_eq!(lagging.cursor.as_deref(), Some("g1_1.4"));
        queue.delivered(1, 3);
        assert_eq!(queue.row("a.com", &cut(9)), None);

        queue.failed(Vec::new(), 0, |_| 7);
        let failing = queue.row("a.com", &cut(9)).unwrap();
        assert_eq!((failing.cursor, failing.retry_at), (None, 7));
    }
}
