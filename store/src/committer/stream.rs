//! What is published of commits.

use std::sync::Arc;

use tokio::sync::watch;

use crate::ring::{Change, Ring};
use crate::{Cut, Position};

/// The end of our part of the stream.
pub(crate) struct Stream {
    last: Position,
    ring: Arc<Ring>,
    cut: watch::Sender<Cut>,
}

impl Stream {
    /// A stream that goes on after `last`.
    pub(crate) fn new(last: Position, ring: Arc<Ring>, cut: watch::Sender<Cut>) -> Self {
        Self { last, ring, cut }
    }

    /// The last number that is settled.
    pub(super) fn last(&self) -> Position {
        self.last
    }

    /// Publishes the changes, and that every number up to `last` is settled.
    pub(super) fn advance(&mut self, last: Position, changes: impl IntoIterator<Item = Change>) {
        self.ring.extend(changes);
        self.last = last;
        self.cut.send_modify(|cut| cut.advance(last));
    }
}
