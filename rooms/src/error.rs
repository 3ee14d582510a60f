//! What can go wrong in rooms.

use gantry_model::{ErrorKind, PduError};
use gantry_state_res::Rejection;

/// What can go wrong in rooms.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such room here.
    #[error("unknown room")]
    UnknownRoom,
    /// We know of the room, but nobody of ours is in it, so we have no current state.
    #[error("this server is not in the room")]
    NotInRoom,
    /// The authorization rules forbid it.
    #[error("{0}")]
    Rejected(Rejection),
    /// The event does not have the form of its room version, or is too large.
    #[error("{0}")]
    Malformed(#[from] PduError),
    /// No such event here.
    #[error("unknown event")]
    UnknownEvent,
    /// A room of this id has begun already.
    #[error("the room exists")]
    RoomExists,
    /// The message id that the client chose is taken.
    #[error("the message id is taken")]
    DuplicateId,
    /// What another server gave us does not fit together.
    #[error("inconsistent room data: {0}")]
    Inconsistent(&'static str),
    /// Nobody of this server may enter the room.
    #[error("this room is blocked on this server")]
    Blocked,
    /// Members are missing in the room's state: we have joined it just now.
    #[error("the members of the room are still being fetched")]
    Partial,
    /// The stored log is damaged; nothing more is written to the room.
    #[error("the log of the room is damaged: {0}")]
    Broken(&'static str),
    /// The server is stopping, or the room was put away because its storage did not answer.
    #[error("the room cannot be used right now")]
    Closed,
    /// Other writers were faster too often.
    #[error("too much contention")]
    Contention,
    /// Storage failed.
    #[error("storage failed: {0}")]
    Storage(#[from] gantry_store::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What surfaces make of it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownRoom | Self::UnknownEvent => ErrorKind::NotFound,
            // The one form that the rules of authorization check.
            Self::Rejected(Rejection::StateKeyMalformed) => ErrorKind::BadJson,
            Self::NotInRoom | Self::Rejected(_) | Self::Blocked => ErrorKind::Forbidden,
            Self::Malformed(PduError::TooLarge) => ErrorKind::TooLarge,
            Self::Malformed(_) => ErrorKind::BadJson,
            Self::RoomExists | Self::DuplicateId => ErrorKind::Conflict,
            Self::Inconsistent(_) => ErrorKind::RemoteFailed,
            Self::Closed | Self::Contention | Self::Partial => ErrorKind::Unavailable,
            Self::Storage(error) => error.kind(),
            Self::Broken(_) => ErrorKind::Internal,
        }
    }

    /// What a user may be told.
    pub fn public_message(&self) -> String {
        match self {
            Self::Storage(error) => error.public_message(),
            Self::Broken(_) => "internal error".to_owned(),
            other => other.to_string(),
        }
    }
}
