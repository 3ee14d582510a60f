//! What nodes tell each other that need not be kept: who is typing, who is there, what the node that
//! sends to other servers shall send.
//!
//! What is told is gathered by one task, written over one of the sender's oldest signals, and reaches
//! every node through the engine's feed. A node that was not listening misses it.

use std::collections::VecDeque;
use std::sync::Arc;

use bson::RawDocumentBuf;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::schema::SIGNAL;
use crate::store::Store;
use crate::{Engine, Op, Result, from_raw, hash16, to_document};

/// Signals of one node that are kept.
const KEPT: u64 = 1_024;
/// Things that wait to be told; what comes faster is lost.
const TO_TELL: usize = 4_096;
/// Things of one signal.
const AT_ONCE: usize = 200;
/// Signals that wait for a listener.
const WAITING: usize = 4_096;

/// What a node has told at one moment.
#[derive(Clone, Debug)]
pub struct Signal {
    document: Arc<RawDocumentBuf>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    /// Who tells it.
    node: String,
    /// Its number, so that equal signals are two documents.
    n: i64,
    body: Vec<Said>,
}

/// One thing that is told.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    /// What it is about.
    kind: String,
    /// JSON, because field names may be anybody's.
    text: String,
}

impl Signal {
    pub(crate) fn new(document: RawDocumentBuf) -> Self {
        Self {
            document: Arc::new(document),
        }
    }
}

/// The ways of signals in and out of this node.
pub(crate) struct Signals {
    pub(crate) to_tell: mpsc::Sender<Said>,
    pub(crate) heard: broadcast::Sender<Signal>,
}

impl Signals {
    /// The ways, and the end at which [`tell`] takes what is to be told.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Said>) {
        let (to_tell, told) = mpsc::channel(TO_TELL);
        let (heard, _) = broadcast::channel(WAITING);
        (Self { to_tell, heard }, told)
    }
}

/// Writes what is to be told until it is stopped.
pub(crate) async fn tell(
    engine: Arc<dyn Engine>,
    node: String,
    mut to_tell: mpsc::Receiver<Said>,
    stop: CancellationToken,
) {
    // The count begins where no earlier run of this node has been.
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let mut n = since.as_millis() as u64;
    loop {
        let mut body = Vec::new();
        let said = to_tell.recv_many(&mut body, AT_ONCE);
        if stop
            .run_until_cancelled(said)
            .await
            .is_none_or(|said| said == 0)
        {
            return;
        }
        n += 1;
        if let Err(failure) = write(engine.as_ref(), &node, n, body).await {
            debug!(
                failure = failure.with_cause(),
                "the other nodes were not told"
            );
        }
    }
}

async fn write(engine: &dyn Engine, node: &str, n: u64, body: Vec<Said>) -> Result<()> {
    let place = (n % KEPT).to_be_bytes();
    let row = Row {
        node: node.to_owned(),
        n: n as i64,
        body,
    };
    let op = Op::Put {
        table: SIGNAL,
        key: hash16(&[node.as_bytes(), &place]).to_vec(),
        doc: to_document(SIGNAL, &row)?,
    };
    engine.apply(Arc::from([vec![op]])).await.map(|_| ())
}

/// Things of one kind that other nodes tell.
pub struct Heard<T> {
    kind: &'static str,
    own: String,
    signals: broadcast::Receiver<Signal>,
    waiting: VecDeque<T>,
}

impl<T: DeserializeOwned> Heard<T> {
    /// The next one; waits for it. What came faster than it was asked for is lost.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            if let Some(next) = self.waiting.pop_front() {
                return Some(next);
            }
            match self.signals.recv().await {
                Ok(signal) => self.read(&signal),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn read(&mut self, signal: &Signal) {
        // Another version of this program may tell what this one does not know.
        let Ok(row) = from_raw::<Row>(SIGNAL, &signal.document) else {
            return;
        };
        if row.node != self.own {
            let of_kind = row.body.iter().filter(|said| said.kind == self.kind);
            let read = of_kind.filter_map(|said| serde_json::from_str(&said.text).ok());
            self.waiting.extend(read);
        }
    }
}

impl Store {
    /// Tells all other nodes something. Where there can be none, nothing happens; what comes too fast
    /// to be told is lost.
    pub fn tell<T: Serialize>(&self, kind: &'static str, news: impl FnOnce() -> T) {
        if !self.inner.is_shared {
            return;
        }
        let said = serde_json::to_string(&news()).map(|text| Said {
            kind: kind.to_owned(),
            text,
        });
        let told = said.is_ok_and(|said| self.inner.signals.to_tell.try_send(said).is_ok());
        if !told {
            debug!(kind, "the other nodes are not told");
        }
    }

    /// What other nodes tell of a kind from now on.
    pub fn heard<T: DeserializeOwned>(&self, kind: &'static str) -> Heard<T> {
        Heard {
            kind,
            own: self.inner.node.clone(),
            signals: self.inner.signals.heard.subscribe(),
            waiting: VecDeque::new(),
        }
    }
}
