//! Many batches in few round trips.
//!
//! A wave takes the next operations of every batch: runs of inserts into one collection become one
//! ordered statement over all batches, everything else a statement of its own, and all of them run
//! at once. An ordered insert stops at the first refusal; what stood behind it and belongs to other
//! batches goes with the next wave, at once.

use std::time::Duration;

use futures::future::{join, try_join_all};

use super::MongoEngine;
use super::command::Answer;
use crate::{Error, Op, Result, Settled, Table, Verdict};

/// How often something is sent again that was refused for what no majority has.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// How far a batch is.
struct Progress {
    verdicts: Vec<Verdict>,
    is_stopped: bool,
}

/// An operation by its places: batch, and number within it.
type Place = (usize, usize);

impl MongoEngine {
    pub(super) async fn apply_batches(&self, batches: &[Vec<Op>]) -> Result<Settled> {
        let mut progress: Vec<Progress> = batches
            .iter()
            .map(|ops| Progress {
                verdicts: Vec::with_capacity(ops.len()),
                is_stopped: false,
            })
            .collect();
        let mut attempts = 0;
        loop {
            let (runs, singles) = wave(batches, &progress);
            if runs.is_empty() && singles.is_empty() {
                break;
            }
            if self
                .run_wave(batches, &mut progress, &runs, &singles)
                .await?
            {
                attempts += 1;
                if attempts == ATTEMPTS {
                    return Err(Error::Unavailable("a refusal without an obstacle".into()));
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        let finish = |(one, ops): (Progress, &Vec<Op>)| {
            let mut verdicts = one.verdicts;
            verdicts.resize(ops.len(), Verdict::NotReached);
            verdicts
        };
        Ok(progress.into_iter().zip(batches).map(finish).collect())
    }

    /// Runs one wave. True: something was refused for what no majority has.
    async fn run_wave(
        &self,
        batches: &[Vec<Op>],
        progress: &mut [Progress],
        runs: &[(&'static Table, Vec<Place>)],
        singles: &[Place],
    ) -> Result<bool> {
        let op = |place: &Place| &batches[place.0][place.1];
        let inserts = runs.iter().map(|(_, run)| async move {
            let ops: Vec<&Op> = run.iter().map(op).collect();
            self.run_inserts(&ops).await
        });
        let others = singles.iter().map(|place| self.run_single(op(place)));
        let (inserted, others) = join(try_join_all(inserts), try_join_all(others)).await;
        let mut again = false;
        for ((_, run), (stored, refused)) in runs.iter().zip(inserted?) {
            for (batch, _) in &run[..stored] {
                progress[*batch].verdicts.push(Verdict::Applied);
            }
            if let Some(answer) = refused {
                again |= progress[run[stored].0].note(answer);
            }
        }
        for ((batch, _), answer) in singles.iter().zip(others?) {
            again |= progress[*batch].note(answer);
        }
        Ok(again)
    }
}

impl Progress {
    /// Notes the answer to the next operation. True: it must be sent again.
    fn note(&mut self, answer: Answer) -> bool {
        let Answer::Verdict(verdict) = answer else {
            return true;
        };
        self.verdicts.push(verdict);
        self.is_stopped = verdict != Verdict::Applied;
        false
    }
}

/// The next operations: runs of inserts per table, and others.
fn wave(
    batches: &[Vec<Op>],
    progress: &[Progress],
) -> (Vec<(&'static Table, Vec<Place>)>, Vec<Place>) {
    let mut runs: Vec<(&'static Table, Vec<Place>)> = Vec::new();
    let mut singles = Vec::new();
    for (batch, (ops, one)) in batches.iter().zip(progress).enumerate() {
        let start = one.verdicts.len();
        let rest = &ops[start..];
        let Some(first) = rest.first().filter(|_| !one.is_stopped) else {
            continue;
        };
        if !creates(first) {
            singles.push((batch, start));
            continue;
        }
        let table = first.table();
        let length = rest
            .iter()
            .take_while(|op| creates(op) && op.table() == table)
            .count();
        let places = (start..start + length).map(|op| (batch, op));
        match runs.iter_mut().find(|(known, _)| *known == table) {
            Some((_, run)) => run.extend(places),
            None => runs.push((table, places.collect())),
        }
    }
    (runs, singles)
}

/// Whether the operation is an insert to the server.
fn creates(op: &Op) -> bool {
    matches!(op, Op::Insert { .. } | Op::PutIf { expected: None, .. })
}
