//! What nodes tell each other that need not be kept: who is typing, whose memory is outdated.
//!
//! A signal is written over one of the sender's oldest and reaches every node through the engine's
//! feed. A node that was not listening misses it.

use std::sync::atomic::{AtomicU64, Ordering};

use bson::RawDocumentBuf;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::schema::SIGNAL;
use crate::store::Store;
use crate::{Result, from_raw, hash16};

/// Signals of one node that are kept.
const KEPT: u64 = 1_024;
/// Signals that wait for a listener.
pub(crate) const WAITING: usize = 4_096;

/// Something that a node has told.
#[derive(Clone, Debug)]
pub struct Signal {
    document: RawDocumentBuf,
}

#[derive(Serialize, Deserialize)]
struct Row<T> {
    /// Who tells it.
    node: String,
    /// What it is about.
    kind: String,
    /// When it was told, so that equal signals are two documents.
    n: i64,
    body: T,
}

#[derive(Deserialize)]
struct Head {
    node: String,
    kind: String,
}

impl Signal {
    pub(crate) fn new(document: RawDocumentBuf) -> Self {
        Self { document }
    }

    /// What it is about, and what it says; `None`: it is about something else, or of this node.
    pub(crate) fn read<T: DeserializeOwned>(&self, kind: &str, own: &str) -> Option<T> {
        let head: Head = from_raw(SIGNAL, &self.document).ok()?;
        if head.kind != kind || head.node == own {
            return None;
        }
        let row: Row<T> = from_raw(SIGNAL, &self.document).ok()?;
        Some(row.body)
    }
}

/// Signals of one kind from other nodes.
pub struct Signals<T> {
    kind: &'static str,
    own: String,
    received: broadcast::Receiver<Signal>,
    body: std::marker::PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Signals<T> {
    /// The next one; waits for it. Those that came faster than they were asked for are lost.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            match self.received.recv().await {
                Ok(signal) => {
                    if let Some(body) = signal.read(self.kind, &self.own) {
                        return Some(body);
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

impl Store {
    /// Tells all other nodes something. Where there are none, nothing happens.
    pub async fn signal<T: Serialize>(&self, kind: &'static str, body: &T) -> Result<()> {
        if !self.inner.is_shared {
            return Ok(());
        }
        let n = self.inner.signals_sent.fetch_add(1, Ordering::Relaxed);
        let row = Row {
            node: self.inner.node.clone(),
            kind: kind.to_owned(),
            n: n as i64,
            body,
        };
        let place = (n % KEPT).to_be_bytes();
        let key = hash16(&[self.inner.node.as_bytes(), &place]).to_vec();
        self.put(SIGNAL, key, &row).await
    }

    /// What other nodes tell of a kind from now on.
    pub fn signals<T: DeserializeOwned>(&self, kind: &'static str) -> Signals<T> {
        Signals {
            kind,
            own: self.inner.node.clone(),
            received: self.inner.signals.subscribe(),
            body: std::marker::PhantomData,
        }
    }
}

/// The count of signals begins where no earlier run of this node has been.
pub(crate) fn first_signal() -> AtomicU64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    AtomicU64::new(since.as_millis() as u64)
}
