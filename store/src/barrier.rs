//! Waiting until every node has seen a commit: what one node has revoked must not be in use on
//! another when it is acknowledged. See `store/model/barrier.py`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::follower::{GRACE, LEASE};
use crate::signal::Heard;
use crate::slot::rows;
use crate::{Cut, Position, Store};

/// A node wants to know when the others have seen a position.
const ASK: &str = "reach";
/// A node has seen it.
const ANSWER: &str = "reached";

#[derive(Serialize, Deserialize)]
struct Ask {
    w: u16,
    s: u64,
    node: String,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    to: Ask,
    node: String,
}

impl Ask {
    fn position(&self) -> Position {
        Position {
            w: self.w,
            s: self.s,
        }
    }
}

impl Store {
    /// Waits until no node acts on what was before a commit: each has seen it, or has had no sign of
    /// itself for so long that it does not trust its memory. Where there can be no other node, and
    /// where none is there, at once.
    pub async fn reach_all(&self, position: Position) {
        if !self.is_shared() {
            return;
        }
        let end = Instant::now() + LEASE + GRACE;
        let mut answers = self.heard::<Answer>(ANSWER);
        // A node that is not among them yet reads what is stored after it has registered.
        let Ok(rows) = rows(self.inner.engine.as_ref()).await else {
            return sleep_until(end).await;
        };
        let others = rows.into_values();
        let others = others.filter(|row| !row.closed && row.node != self.inner.node);
        let mut waiting: BTreeSet<String> = others.map(|row| row.node).collect();
        if waiting.is_empty() {
            return;
        }
        let node = &self.inner.node;
        let ask = || Ask {
            w: position.w,
            s: position.s,
            node: node.clone(),
        };
        self.tell(ASK, ask);
        let all = async {
            while !waiting.is_empty() {
                let Some(answer) = answers.next().await else {
                    return;
                };
                if answer.to.node == *node && answer.to.position() == position {
                    waiting.remove(&answer.node);
                }
            }
        };
        // Whoever has not answered by then must not use its memory.
        timeout_at(end, all).await.ok();
    }

    /// Answers other nodes that ask how far this one has seen, until it stops.
    pub(crate) async fn answer_others(self, stop: CancellationToken) {
        let mut asks: Heard<Ask> = self.heard(ASK);
        while let Some(Some(ask)) = stop.run_until_cancelled(asks.next()).await {
            let mut cut: watch::Receiver<Cut> = self.subscribe();
            let seen = cut.wait_for(|cut| cut.contains(ask.position()));
            if timeout(LEASE, seen).await.is_ok_and(|seen| seen.is_ok()) {
                let node = self.inner.node.clone();
                self.tell(ANSWER, || Answer { to: ask, node });
            }
        }
    }
}
