//! What the answers of all servers together may take.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An answer up to this length, in bytes, counts for nothing.
const FREE: usize = 1 << 20;
/// What is counted, in bytes.
const UNIT: usize = 1 << 20;

/// The lengths of all large answers that are being read or worked on.
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    total: usize,
}

/// What a large answer takes of the budget. It is given back when the last copy is dropped: keep one
/// for as long as what was made of the answer is in memory.
#[derive(Debug, Clone, Default)]
pub struct Held {
    _permit: Option<Arc<OwnedSemaphorePermit>>,
}

/// What an answer takes while it is read.
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    taken: Option<OwnedSemaphorePermit>,
}

impl Budget {
    /// `bytes`: the lengths of all large answers together.
    pub(crate) fn new(bytes: usize) -> Self {
        let total = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(total)),
            total,
        }
    }

    pub(crate) fn share(&self) -> Share<'_> {
        Share {
            budget: self,
            taken: None,
        }
    }
}

impl Share<'_> {
    /// Waits until an answer may be so long. One that is longer than the budget has all of it.
    pub(crate) async fn grow_to(&mut self, length: usize) {
        let taken = self
            .taken
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits);
        let wanted = length.saturating_sub(FREE).div_ceil(UNIT);
        let more = wanted.min(self.budget.total).saturating_sub(taken);
        if more == 0 {
            return;
        }
        let free = Arc::clone(&self.budget.free);
        let more = free.acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
        let more = more.await.expect("nobody closes it");
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
    }

    pub(crate) fn hold(self) -> Held {
        Held {
            _permit: self.taken.map(Arc::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_large_answer_waits_until_another_is_done_with() {
        let budget = Budget::new(10 * UNIT);
        let mut first = budget.share();
        first.grow_to(8 * UNIT).now_or_never().unwrap();
        let first = first.hold();
        let copy = first.clone();

        let mut second = budget.share();
        assert!(second.grow_to(4 * UNIT).now_or_never().is_some());
        assert!(second.grow_to(5 * UNIT).now_or_never().is_none());
        drop(first);
        assert!(second.grow_to(5 * UNIT).now_or_never().is_none());
        drop(copy);
        assert!(second.grow_to(5 * UNIT).now_or_never().is_some());
    }

    #[test]
    fn small_answers_never_wait_and_the_largest_waits_for_all_others() {
        let budget = Budget::new(10 * UNIT);
        let mut large = budget.share();
        large.grow_to(1_000 * UNIT).now_or_never().unwrap();

        assert!(budget.share().grow_to(FREE).now_or_never().is_some());
        assert!(budget.share().grow_to(FREE + 1).now_or_never().is_none());
    }
}
