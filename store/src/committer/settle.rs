//! Applying until the outcome is definite.
//!
//! After an unknown outcome the same bytes are sent to the same keys again. What shows at its key
//! exactly as it was sent has been applied; anything else in the way is a conflict.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bson::RawDocumentBuf;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{Engine, Error, Key, Op, Projection, Result, Settled, Table, Verdict};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Attempts while the store opens, and after it was told to stop.
const LAST_ATTEMPTS: u32 = 10;

/// Repeats commands to the engine until they are answered.
#[derive(Clone)]
pub(crate) struct Settler {
    pub(crate) engine: Arc<dyn Engine>,
    /// Once this is cancelled, only a few attempts are made.
    pub(crate) stop: CancellationToken,
}

impl Settler {
    /// One that gives up soon: nobody waits for a store that does not open.
    pub(crate) fn for_opening(engine: &Arc<dyn Engine>) -> Self {
        let given_up = CancellationToken::new();
        given_up.cancel();
        Self {
            engine: Arc::clone(engine),
            stop: given_up,
        }
    }

    /// Applies one operation.
    pub(crate) async fn settle_one(&self, op: Op) -> Result<Verdict> {
        let settled = self.settle(Arc::from([vec![op]])).await?;
        let verdict = settled.into_iter().flatten().next();
        Ok(verdict.unwrap_or(Verdict::NotReached))
    }

    /// Applies the batches; the keys of all operations differ.
    pub(crate) async fn settle(&self, batches: Arc<[Vec<Op>]>) -> Result<Settled> {
        let mut pause = Pause::new(&self.stop);
        match self.engine.apply(Arc::clone(&batches)).await {
            Ok(settled) => return Ok(settled),
            Err(error) => pause.after(error).await?,
        }
        let mut progress: Vec<Progress> = batches.iter().map(|_| Progress::default()).collect();
        loop {
            match self.attempt(&batches, &mut progress).await {
                Ok(())
                    if progress
                        .iter()
                        .zip(&*batches)
                        .all(|(one, ops)| one.is_done(ops)) =>
                {
                    let verdicts = progress.iter().zip(&*batches);
                    return Ok(verdicts.map(|(one, ops)| one.verdicts(ops)).collect());
                }
                Ok(()) => {}
                Err(error) => pause.after(error).await?,
            }
        }
    }

    /// Whether the operation's effect shows now.
    pub(crate) async fn shows(&self, op: &Op) -> Result<bool> {
        let mut pause = Pause::new(&self.stop);
        loop {
            match self.find_shown(std::iter::once(op)).await {
                Ok(shown) => return Ok(shown[0]),
                Err(error) => pause.after(error).await?,
            }
        }
    }

    /// Skips what shows, and applies what is left.
    async fn attempt(&self, batches: &[Vec<Op>], progress: &mut [Progress]) -> Result<()> {
        let shown = self.find_shown(batches.iter().flatten()).await?;
        let mut shown = shown.as_slice();
        for (one, ops) in progress.iter_mut().zip(batches) {
            let (own, rest) = shown.split_at(ops.len());
            shown = rest;
            if one.conflict.is_none() {
                // Only a prefix counts: what stands behind a gap of its chain is not ours.
                one.applied += own[one.applied..]
                    .iter()
                    .take_while(|shows| **shows)
                    .count();
            } else if own[one.applied] {
                // It was refused because it had arrived.
                one.conflict = None;
                one.applied += 1;
            } else {
                one.is_final = true;
            }
        }
        let open: Vec<usize> = (0..batches.len())
            .filter(|n| !progress[*n].is_settled(&batches[*n]))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let rest = open
            .iter()
            .map(|n| batches[*n][progress[*n].applied..].to_vec())
            .collect();
        for (n, verdicts) in open.into_iter().zip(self.engine.apply(rest).await?) {
            for verdict in verdicts {
                match verdict {
                    Verdict::Applied => progress[n].applied += 1,
                    conflict @ Verdict::Conflict { .. } => progress[n].conflict = Some(conflict),
                    Verdict::NotReached => {}
                }
            }
        }
        Ok(())
    }

    /// Of each operation, whether its effect shows now.
    async fn find_shown<'o>(&self, ops: impl Iterator<Item = &'o Op> + Clone) -> Result<Vec<bool>> {
        let mut keys: HashMap<&'static Table, Vec<Key>> = HashMap::new();
        for op in ops.clone() {
            keys.entry(op.table()).or_default().push(op.key().clone());
        }
        let mut stored: HashMap<(&'static Table, Key), RawDocumentBuf> = HashMap::new();
        for (table, keys) in keys {
            let found = self.engine.get_many(table, &keys, Projection::Full).await?;
            for (key, doc) in keys.into_iter().zip(found) {
                stored.extend(doc.map(|doc| ((table, key), doc)));
            }
        }
        let shows = |op: &Op| {
            let found = stored.get(&(op.table(), op.key().clone()));
            let Some(doc) = op.doc() else {
                return Ok(found.is_none());
            };
            let bytes = doc
                .to_vec()
                .map_err(|error| Error::malformed(op.table(), error))?;
            Ok(found.is_some_and(|found| found.as_bytes() == bytes))
        };
        ops.map(shows).collect()
    }
}

/// How far a batch is settled.
#[derive(Default)]
struct Progress {
    /// So many operations are applied.
    applied: usize,
    /// The next one was refused.
    conflict: Option<Verdict>,
    /// And what is in the way is not the operation itself.
    is_final: bool,
}

impl Progress {
    /// Nothing is left to send.
    fn is_settled(&self, ops: &[Op]) -> bool {
        self.conflict.is_some() || self.applied == ops.len()
    }

    /// Nothing is left to send or to look at.
    fn is_done(&self, ops: &[Op]) -> bool {
        self.is_final || self.applied == ops.len()
    }

    fn verdicts(&self, ops: &[Op]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Applied; self.applied];
        verdicts.extend(self.conflict);
        verdicts.resize(ops.len(), Verdict::NotReached);
        verdicts
    }
}

/// The growing pause between attempts.
struct Pause<'s> {
    stop: &'s CancellationToken,
    next: Duration,
    attempts_left: u32,
}

impl<'s> Pause<'s> {
    fn new(stop: &'s CancellationToken) -> Self {
        Self {
            stop,
            next: FIRST_PAUSE,
            attempts_left: LAST_ATTEMPTS,
        }
    }

    /// Waits if the engine may answer later; otherwise, and when stopping takes too long, gives
    /// the error back.
    async fn after(&mut self, error: Error) -> Result<()> {
        if !matches!(error, Error::Unavailable(_)) {
            return Err(error);
        }
        if self.stop.is_cancelled() {
            self.attempts_left -= 1;
            if self.attempts_left == 0 {
                return Err(error);
            }
        }
        warn!(
            error = &error as &dyn std::error::Error,
            pause = ?self.next,
            "a commit has no answer yet"
        );
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LAST_PAUSE);
        Ok(())
    }
}
