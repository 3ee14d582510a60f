//! What can go wrong in delivery.

/// What can go wrong in delivery. Nobody waits for the outbox, so these are logged by it and end
/// one round of work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log could not be read.
    #[error("the room log could not be read: {0}")]
    Rooms(#[from] gantry_rooms::Error),
    /// Cursors could not be read or written.
    #[error("the cursors could not be read or written: {0}")]
    Storage(#[from] gantry_store::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
