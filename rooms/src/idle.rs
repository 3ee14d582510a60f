//! Whether a room is in use, so that those that are not can leave memory.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering},
};

/// When a room was asked for last, and what its actor still has to do.
#[derive(Debug)]
pub(crate) struct Usage {
    last_ms: AtomicI64,
    commands: AtomicUsize,
}

/// A command that is not done; its end is told by dropping this.
#[derive(Debug)]
pub(crate) struct InUse(Arc<Usage>);

impl Usage {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self {
            last_ms: AtomicI64::new(now_ms),
            commands: AtomicUsize::new(0),
        }
    }

    /// Somebody asks for the room.
    pub(crate) fn touch(&self, now_ms: i64) {
        self.last_ms.store(now_ms, Ordering::Relaxed);
    }

    /// When somebody asked for the room last.
    pub(crate) fn last_ms(&self) -> i64 {
        self.last_ms.load(Ordering::Relaxed)
    }

    /// A command begins.
    pub(crate) fn begin(self: &Arc<Self>) -> InUse {
        self.commands.fetch_add(1, Ordering::SeqCst);
        InUse(Arc::clone(self))
    }

    /// Whether no command is waiting or at work.
    pub(crate) fn is_idle(&self) -> bool {
        self.commands.load(Ordering::SeqCst) == 0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.commands.fetch_sub(1, Ordering::SeqCst);
    }
}
