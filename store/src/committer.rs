//! The group committer: one task, one command to the engine at a time.
//!
//! There is no timer: a group is what queued while the last one was committed.

mod draft;
mod group;
mod settle;
mod task;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::group::Request;
pub(crate) use self::settle::Settler;
use self::task::Task;
pub(crate) use self::task::Writer;
use crate::check::check_batch;
use crate::{Batch, Error, Outcome, Result};

/// The way to the committer's task.
pub(crate) struct Committer {
    queue: mpsc::UnboundedSender<Request>,
    stop: CancellationToken,
}

impl Committer {
    /// Starts the task. It ends when it is stopped, when nobody can send any more, or when the
    /// engine fails for good.
    pub(crate) fn spawn(tasks: &TaskTracker, writer: Writer) -> Self {
        let (queue, requests) = mpsc::unbounded_channel();
        let stop = writer.settler.stop.clone();
        tasks.spawn(Task::new(writer).run(requests));
        Self { queue, stop }
    }

    /// A committer that refuses everything.
    pub(crate) fn closed() -> Self {
        let (queue, _) = mpsc::unbounded_channel();
        Self {
            queue,
            stop: CancellationToken::new(),
        }
    }

    /// Queues a batch at the first poll and waits for its outcomes.
    pub(crate) async fn commit(&self, mut batch: Batch) -> Result<Vec<Outcome>> {
        let bytes = check_batch(&mut batch)?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, outcomes) = oneshot::channel();
        // The queue is as long as there are callers, each of which waits for its answer.
        self.queue
            .send(Request {
                batch,
                bytes,
                reply,
            })
            .map_err(|_| Error::Closed)?;
        outcomes.await.map_err(|_| Error::Closed)?
    }

    /// Waits until nothing is committed any more.
    pub(crate) async fn ended(&self) {
        self.queue.closed().await;
    }

    /// Lets the task commit what is queued, close the slot, and end.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }
}
