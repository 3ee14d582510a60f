//! What goes into one command.

use std::collections::HashSet;

use tokio::sync::{mpsc, oneshot};

use crate::check::MAX_OPS;
use crate::{Batch, Key, Outcome, Result};

/// The size of one command; a single batch may be larger.
const MAX_BYTES: usize = 8 << 20;

/// A batch, and who waits for it.
pub(super) struct Request {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>>>,
}

/// The queue, with the request that did not fit into the last group.
pub(super) struct Queue {
    requests: mpsc::UnboundedReceiver<Request>,
    carried: Option<Request>,
}

impl Queue {
    pub(super) fn new(requests: mpsc::UnboundedReceiver<Request>) -> Self {
        Self {
            requests,
            carried: None,
        }
    }

    /// Takes no more requests; those that are queued stay.
    pub(super) fn close(&mut self) {
        self.requests.close();
    }

    /// Everything that is queued and fits into one command; waits for the first. `None`: closed
    /// and empty.
    pub(super) async fn next_group(&mut self) -> Option<Vec<Request>> {
        let first = match self.carried.take() {
            Some(carried) => carried,
            None => self.requests.recv().await?,
        };
        let mut group = Group::default();
        group.add(first);
        while let Ok(request) = self.requests.try_recv() {
            if !group.fits(&request) {
                self.carried = Some(request);
                break;
            }
            group.add(request);
        }
        Some(group.requests)
    }
}

#[derive(Default)]
struct Group {
    requests: Vec<Request>,
    keys: HashSet<(&'static str, Key)>,
    bytes: usize,
}

impl Group {
    /// A key occurs once in a command: whether an operation was applied is read from its key when
    /// the outcome is unknown.
    fn fits(&self, request: &Request) -> bool {
        let ops = &request.batch.ops;
        self.keys.len() + ops.len() < MAX_OPS
            && self.bytes + request.bytes <= MAX_BYTES
            && ops.iter().all(|one| !self.keys.contains(&key_of(&one.op)))
    }

    fn add(&mut self, request: Request) {
        self.bytes += request.bytes;
        self.keys
            .extend(request.batch.ops.iter().map(|one| key_of(&one.op)));
        self.requests.push(request);
    }
}

fn key_of(op: &crate::Op) -> (&'static str, Key) {
    (op.table().name, op.key().clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::TOKEN;

    fn request(keys: impl IntoIterator<Item = u16>, bytes: usize) -> Request {
        let mut batch = Batch::new();
        for key in keys {
            batch.delete(TOKEN, key.to_be_bytes().to_vec());
        }
        Request {
            batch,
            bytes,
            reply: oneshot::channel().0,
        }
    }

    async fn sizes(requests: Vec<Request>) -> Vec<usize> {
        let (send, receive) = mpsc::unbounded_channel();
        for request in requests {
            assert!(send.send(request).is_ok());
        }
        drop(send);
        let mut queue = Queue::new(receive);
        let mut sizes = Vec::new();
        while let Some(group) = queue.next_group().await {
            sizes.push(group.len());
        }
        sizes
    }

    #[tokio::test]
    async fn what_is_queued_goes_together() {
        assert_eq!(sizes((0..5).map(|n| request([n], 10)).collect()).await, [5]);
    }

    #[tokio::test]
    async fn groups_are_bounded_in_number_and_bytes() {
        let many = (0..4)
            .map(|n| request(n * 300..(n + 1) * 300, 10))
            .collect();
        let large = (0..4).map(|n| request([n], 5 << 20)).collect();

        assert_eq!(sizes(many).await, [3, 1]);
        assert_eq!(sizes(large).await, [1, 1, 1, 1]);
    }

    #[tokio::test]
    async fn a_key_occurs_once_in_a_group() {
        let requests = vec![
            request([1], 1),
            request([2], 1),
            request([1], 1),
            request([3], 1),
        ];

        assert_eq!(sizes(requests).await, [2, 2]);
    }
}
