//! The committer's task.

use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::error;

use super::draft::{Draft, Number};
use super::group::{Queue, Request};
use super::settle::Settler;
use super::stream::Stream;
use crate::ring::Change;
use crate::schema::{ROOM, filler_key};
use crate::slot::{Slot, filler, floor};
use crate::{Error, Op, Result, Settled, Verdict};

/// Everything that the task owns.
pub(super) struct Task {
    settler: Settler,
    slot: Slot,
    stream: Stream,
    /// No number up to this is drawn again, even if its document is deleted.
    floor: u64,
}

impl Task {
    pub(super) fn new(settler: Settler, slot: Slot, stream: Stream) -> Self {
        Self {
            settler,
            slot,
            stream,
            floor: 0,
        }
    }

    /// Commits group after group.
    pub(super) async fn run(mut self, requests: mpsc::UnboundedReceiver<Request>) {
        let mut queue = Queue::new(requests);
        let stop = self.settler.stop.clone();
        loop {
            let group = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                group = queue.next_group() => group,
            };
            let Some(group) = group else { break };
            if !self.commit(group).await {
                return;
            }
        }
        queue.close();
        while let Some(group) = queue.next_group().await {
            if !self.commit(group).await {
                return;
            }
        }
        self.close_slot().await;
    }

    /// Commits a group and tells its callers. False: the task cannot go on, because numbers are
    /// drawn of which it does not know what they became.
    async fn commit(&mut self, group: Vec<Request>) -> bool {
        let draft = Draft::new(group, self.stream.last());
        match self.commit_draft(&draft).await {
            Ok(settled) => {
                draft.reply(&settled);
                true
            }
            Err(failure) => {
                error!(
                    error = &failure as &dyn std::error::Error,
                    "commits end here"
                );
                let slot_lost = matches!(failure, Error::SlotLost(_));
                let w = self.slot.w;
                draft.fail(|| {
                    if slot_lost {
                        Error::SlotLost(w)
                    } else {
                        Error::Closed
                    }
                });
                false
            }
        }
    }

    async fn commit_draft(&mut self, draft: &Draft) -> Result<Settled> {
        self.keep_floor(draft).await?;
        let mut settled = self.settler.settle(Arc::clone(&draft.batches)).await?;
        self.settle_numbers(draft, &mut settled).await?;
        let Some(last) = draft.numbers.last() else {
            return Ok(settled);
        };
        let applied = draft
            .numbers
            .iter()
            .filter(|one| one.verdict(&settled) == Verdict::Applied);
        let changes = applied.map(|number| {
            let op = number.op(&draft.batches);
            Change {
                position: number.position,
                table: op.table(),
                key: op.key().clone(),
            }
        });
        self.stream.advance(last.position, changes);
        Ok(settled)
    }

    /// Lays fillers for the numbers that became nothing.
    async fn settle_numbers(&self, draft: &Draft, settled: &mut Settled) -> Result<()> {
        let voided = |verdict| match verdict {
            Verdict::Applied => Ok(false),
            // Our numbers are drawn once, so somebody else draws from our slot.
            Verdict::Conflict { index: Some("ws") } => Err(Error::SlotLost(self.slot.w)),
            Verdict::Conflict { .. } | Verdict::NotReached => Ok(true),
        };
        let mut void: Vec<Number> = Vec::new();
        for number in &draft.numbers {
            if voided(number.verdict(settled))? {
                void.push(*number);
            }
        }
        if void.is_empty() {
            return Ok(());
        }
        let fillers = void
            .iter()
            .map(|number| vec![filler(ROOM, filler_key(number.position), number.position)]);
        let filled = self.settler.settle(fillers.collect()).await?;
        for (number, verdicts) in void.into_iter().zip(filled) {
            if verdicts == [Verdict::Applied] {
                continue;
            }
            // An earlier attempt whose answer was lost may have arrived after all.
            if !self.settler.shows(number.op(&draft.batches)).await? {
                return Err(Error::SlotLost(self.slot.w));
            }
            *number.verdict_mut(settled) = Verdict::Applied;
        }
        Ok(())
    }

    /// A restart continues after the greatest number that it finds. Before a document that could
    /// bear it is deleted, the number is written down.
    async fn keep_floor(&mut self, draft: &Draft) -> Result<()> {
        let deletes = |op: &Op| matches!(op, Op::Delete { table, .. } if table.is_stream());
        let last = self.stream.last().s;
        if self.floor < last && draft.batches.iter().flatten().any(deletes) {
            self.settler.settle(Arc::from([vec![floor(last)]])).await?;
            self.floor = last;
        }
        Ok(())
    }

    async fn close_slot(&self) {
        let closed = match self.slot.closing(self.stream.last().s) {
            Ok(op) => self.settler.settle(Arc::from([vec![op]])).await.map(|_| ()),
            Err(error) => Err(error),
        };
        if let Err(failure) = closed {
            // The next start looks for open numbers instead.
            error!(
                error = &failure as &dyn std::error::Error,
                "the writer slot stays open"
            );
        }
    }
}
