//! Numbers: every stamped operation of a group draws one, in order.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::group::Request;
use crate::{Op, Outcome, Position, Result, Settled, Stamp, Verdict};

/// A group that has its numbers and is ready to be sent.
pub(super) struct Draft {
    pub(super) batches: Arc<[Vec<Op>]>,
    pub(super) numbers: Vec<Number>,
    replies: Vec<oneshot::Sender<Result<Vec<Outcome>>>>,
}

/// A number that was drawn, and the operation that bears it.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) position: Position,
    batch: usize,
    op: usize,
}

impl Number {
    /// What this number's operation became.
    pub(super) fn verdict(self, settled: &Settled) -> Verdict {
        settled[self.batch][self.op]
    }

    /// What this number's operation is to count as.
    pub(super) fn verdict_mut(self, settled: &mut Settled) -> &mut Verdict {
        &mut settled[self.batch][self.op]
    }

    /// The operation that bears the number.
    pub(super) fn op(self, batches: &[Vec<Op>]) -> &Op {
        &batches[self.batch][self.op]
    }
}

impl Draft {
    /// Draws the numbers after `last` for a group.
    pub(super) fn new(group: Vec<Request>, mut last: Position) -> Self {
        let mut numbers = Vec::new();
        let mut replies = Vec::with_capacity(group.len());
        let mut batches = Vec::with_capacity(group.len());
        for (batch, request) in group.into_iter().enumerate() {
            replies.push(request.reply);
            let mut ops = Vec::with_capacity(request.batch.ops.len());
            let mut previous = None;
            for (op, mut one) in request.batch.ops.into_iter().enumerate() {
                if let (Some(doc), true) = (one.op.doc_mut(), one.stamp != Stamp::None) {
                    last.s += 1;
                    last.stamp(doc);
                    if let (Stamp::PositionAfterPrevious, Some(previous)) = (one.stamp, previous) {
                        doc.insert::<_, Position>("pw", previous);
                    }
                    previous = Some(last);
                    numbers.push(Number {
                        position: last,
                        batch,
                        op,
                    });
                }
                ops.push(one.op);
            }
            batches.push(ops);
        }
        Self {
            batches: batches.into(),
            numbers,
            replies,
        }
    }

    /// Tells every caller what became of his operations.
    pub(super) fn reply(self, settled: &Settled) {
        let mut numbers = self.numbers.iter().peekable();
        for (batch, (reply, verdicts)) in self.replies.into_iter().zip(settled).enumerate() {
            let mut outcomes = Vec::with_capacity(verdicts.len());
            for (op, verdict) in verdicts.iter().enumerate() {
                let number = numbers.next_if(|number| (number.batch, number.op) == (batch, op));
                outcomes.push(match *verdict {
                    Verdict::Applied => Outcome::Applied(number.map(|number| number.position)),
                    Verdict::Conflict { index } => Outcome::Conflict { index },
                    Verdict::NotReached => Outcome::NotReached,
                });
            }
            // The caller may have gone; the commit stands.
            drop(reply.send(Ok(outcomes)));
        }
    }

    /// Tells every caller that nothing is known about his operations.
    pub(super) fn fail(self, error: impl Fn() -> crate::Error) {
        for reply in self.replies {
            drop(reply.send(Err(error())));
        }
    }
}
