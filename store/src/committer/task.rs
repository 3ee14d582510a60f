//! The committer's task.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::draft::{Draft, Number};
use super::group::{Queue, Request};
use super::settle::Settler;
use crate::follower::BEAT;
use crate::freshness::Freshness;
use crate::ring::Change;
use crate::schema::{ROOM, filler_key};
use crate::slot::{Slot, filler, floor, rows};
use crate::stream::{Arrived, Stream};
use crate::{Error, Op, Position, Result, Settled, Stamp, Verdict};

/// What a committer works with.
pub(crate) struct Writer {
    pub(crate) settler: Settler,
    pub(crate) slot: Slot,
    pub(crate) stream: Arc<Stream>,
    pub(crate) freshness: Arc<Freshness>,
    /// Who we are among the nodes.
    pub(crate) node: String,
}

/// Everything that the task owns.
pub(super) struct Task {
    writer: Writer,
    /// The last number that is settled.
    last: Position,
    /// No number up to this is drawn again, even if its document is deleted.
    floor: u64,
    /// Whether there was no room for the last group.
    is_full: bool,
}

impl Task {
    pub(super) fn new(writer: Writer) -> Self {
        let last = Position {
            w: writer.slot.w(),
            s: writer.slot.last,
        };
        Self {
            writer,
            last,
            floor: 0,
            is_full: false,
        }
    }

    /// Commits group after group.
    pub(super) async fn run(mut self, requests: mpsc::UnboundedReceiver<Request>) {
        let mut queue = Queue::new(requests);
        let stop = self.writer.settler.stop.clone();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let group = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = beat.tick(), if self.writer.slot.is_shared() => {
                    if self.beat().await.is_err() && !self.retake().await {
                        return;
                    }
                    continue;
                }
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

    /// Commits a group and tells its callers. False: the task cannot go on.
    async fn commit(&mut self, group: Vec<Request>) -> bool {
        if self.is_full() {
            // No number is drawn for it.
            Draft::new(group, self.last).fail(|| Error::Full);
            return true;
        }
        let stamped = group.iter().flat_map(|request| &request.batch.ops);
        let count = stamped.filter(|op| op.stamp != Stamp::None).count() as u64;
        if self.lease(count).await.is_err()
            && !(self.retake().await && self.lease(count).await.is_ok())
        {
            return false;
        }
        let draft = Draft::new(group, self.last);
        match self.commit_draft(&draft).await {
            Ok(settled) => {
                draft.reply(&settled);
                true
            }
            Err(Error::SlotLost(w)) => {
                // Some of the draft may be there; whoever repeats a request finds it.
                warn!(slot = w, "the writer slot was lost");
                draft.fail(|| Error::SlotLost(w));
                self.retake().await
            }
            Err(failure) => {
                // Numbers are drawn of which nobody here knows what they became.
                error!(
                    error = &failure as &dyn std::error::Error,
                    "commits end here"
                );
                draft.fail(|| Error::Closed);
                false
            }
        }
    }

    /// Whether the disk is full; what is full stays so for many groups, and is logged once.
    fn is_full(&mut self) -> bool {
        let is_full = self.writer.settler.engine.require_room().is_err();
        if is_full && !self.is_full {
            warn!("the disk is full: nothing is written");
        } else if self.is_full && !is_full {
            info!("the disk has room again");
        }
        self.is_full = is_full;
        is_full
    }

    async fn lease(&mut self, count: u64) -> Result<()> {
        let Writer { slot, settler, .. } = &mut self.writer;
        slot.lease(settler, self.last.s, count).await
    }

    /// Tells the other nodes that we are there.
    async fn beat(&mut self) -> Result<()> {
        let cut = self.writer.stream.cut();
        let Writer {
            slot,
            settler,
            freshness,
            ..
        } = &mut self.writer;
        slot.beat(settler, cut.marks().collect(), self.last.s, freshness)
            .await
    }

    /// Takes a slot again after another node closed ours, because it did not hear of us. False:
    /// another process has our name, or the store cannot be reached.
    async fn retake(&mut self) -> bool {
        match self.take_again().await {
            Ok(()) => true,
            Err(failure) => {
                error!(
                    error = &failure as &dyn std::error::Error,
                    "commits end here"
                );
                false
            }
        }
    }

    async fn take_again(&mut self) -> Result<()> {
        let Writer { settler, node, .. } = &self.writer;
        let w = self.last.w;
        if !self.writer.slot.is_shared() {
            return Err(Error::SlotLost(w));
        }
        let rows = rows(settler.engine.as_ref()).await?;
        if rows.values().any(|row| row.belongs_to(node)) {
            return Err(Error::SlotLost(w));
        }
        let slot = Slot::take(settler, node, true).await?;
        self.last = Position {
            w: slot.w(),
            s: slot.last,
        };
        self.writer.slot = slot;
        Ok(())
    }

    async fn commit_draft(&mut self, draft: &Draft) -> Result<Settled> {
        self.keep_floor(draft).await?;
        let settler = &self.writer.settler;
        let mut settled = settler.settle(Arc::clone(&draft.batches)).await?;
        self.settle_numbers(draft, &mut settled).await?;
        let Some(last) = draft.numbers.last() else {
            return Ok(settled);
        };
        self.last = last.position;
        let arrived = draft.numbers.iter().map(|number| {
            let op = number.op(&draft.batches);
            let is_applied = number.verdict(&settled) == Verdict::Applied;
            let change = is_applied.then(|| Change {
                position: number.position,
                table: op.table(),
                key: op.key().clone(),
            });
            let after = op.doc().filter(|_| is_applied).and_then(Position::before);
            Arrived {
                position: number.position,
                change,
                after,
            }
        });
        self.writer.stream.arrive(arrived);
        Ok(settled)
    }

    /// Lays fillers for the numbers that became nothing.
    async fn settle_numbers(&self, draft: &Draft, settled: &mut Settled) -> Result<()> {
        let voided = |verdict| match verdict {
            Verdict::Applied => Ok(false),
            // Our numbers are drawn once, so somebody else draws from our slot.
            Verdict::Conflict { index: Some("ws") } => Err(Error::SlotLost(self.last.w)),
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
        let filled = self.writer.settler.settle(fillers.collect()).await?;
        for (number, verdicts) in void.into_iter().zip(filled) {
            if verdicts == [Verdict::Applied] {
                continue;
            }
            // An earlier attempt whose answer was lost may have arrived after all.
            if !self.writer.settler.shows(number.op(&draft.batches)).await? {
                return Err(Error::SlotLost(self.last.w));
            }
            *number.verdict_mut(settled) = Verdict::Applied;
        }
        Ok(())
    }

    /// A restart continues after the greatest number that it finds. Before a document that could
    /// bear it is deleted, the number is written down.
    async fn keep_floor(&mut self, draft: &Draft) -> Result<()> {
        let deletes = |op: &Op| matches!(op, Op::Delete { table, .. } if table.is_stream());
        if self.floor < self.last.s && draft.batches.iter().flatten().any(deletes) {
            let floor = floor(self.last);
            self.writer.settler.settle_one(floor).await?;
            self.floor = self.last.s;
        }
        Ok(())
    }

    async fn close_slot(&mut self) {
        let Writer { slot, settler, .. } = &mut self.writer;
        if let Err(failure) = slot.give_back(settler, self.last.s).await {
            // The next start looks for open numbers instead.
            error!(
                error = &failure as &dyn std::error::Error,
                "the writer slot stays open"
            );
        }
    }
}
