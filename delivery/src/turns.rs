//! How many transactions are under way at once, and why a silent server delays nobody.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Who takes longer gives its turn to the next and goes on beside it.
const PATIENCE: Duration = Duration::from_millis(500);
/// So many may go on beside those whose turn it is; more of them keep their turn.
const LINGERING: usize = 2_000;

/// The turns that destinations take. What a transaction needs is read once its turn has come.
pub(crate) struct Turns {
    /// For servers that answered last time.
    prompt: Arc<Semaphore>,
    /// For servers that did not: they wait for each other, and nobody waits for them.
    failing: Arc<Semaphore>,
    lingering: Semaphore,
}

/// A turn to send one transaction.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// So many turns at once, and a quarter of them for servers that fail.
    pub(crate) fn new(concurrency: usize) -> Self {
        Self {
            prompt: Arc::new(Semaphore::new(concurrency.max(2))),
            failing: Arc::new(Semaphore::new((concurrency / 4).max(1))),
            lingering: Semaphore::new(LINGERING),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn next(&self, is_failing: bool) -> Turn {
        let turns = if is_failing {
            &self.failing
        } else {
            &self.prompt
        };
        let permit = Arc::clone(turns).acquire_owned().await;
        Turn {
            _permit: permit.expect("turns are never closed"),
        }
    }

    /// Does what the turn is for.
    pub(crate) async fn take<T>(&self, turn: Turn, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(PATIENCE, &mut work).await {
            return done;
        }
        let place = self.lingering.try_acquire();
        // Who finds no place keeps the turn.
        let _turn = place.is_err().then_some(turn);
        work.await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silent_servers_do_not_keep_the_others_waiting() {
        let turns = Turns::new(8);
        let silent = async || {
            let turn = turns.next(false).await;
            turns.take(turn, pending::<()>()).await;
        };
        let silent: Vec<_> = (0..80).map(|_| silent()).collect();
        let all_silent = futures::future::join_all(silent);

        let living = async {
            tokio::task::yield_now().await;
            let turn = turns.next(false).await;
            turns.take(turn, async { "sent" }).await
        };
        let sent = tokio::select! {
            _ = all_silent => unreachable!("they are silent"),
            sent = timeout(PATIENCE * 11, living) => sent,
        };

        assert_eq!(sent, Ok("sent"));
    }
}
