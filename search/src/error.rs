//! Why the index did not do what it was asked.

use gantry_model::ErrorKind;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the index did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index is not open yet, or is being made anew.
    #[error("the index is not ready")]
    NotReady,
    /// The index cannot be used: it is damaged, or the disk fails.
    #[error("the index failed: {0}")]
    Index(#[source] tantivy::TantivyError),
    /// The folder cannot be used.
    #[error("the folder of the index cannot be used")]
    Folder(#[source] std::io::Error),
    /// Work on the index ended early: it panicked on what it read.
    #[error("work on the index broke off")]
    BrokeOff,
    /// A token for the next page is not one of ours.
    #[error("not a token of a search")]
    InvalidToken,
    /// The rooms failed.
    #[error("rooms: {0}")]
    Rooms(#[from] gantry_rooms::Error),
}

impl From<tantivy::TantivyError> for Error {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Index(error)
    }
}

impl Error {
    /// What surfaces make of it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Unavailable,
            Self::InvalidToken => ErrorKind::InvalidParam,
            Self::Index(_) | Self::Folder(_) | Self::BrokeOff => ErrorKind::Internal,
            Self::Rooms(error) => error.kind(),
        }
    }

    /// What a user may be told.
    pub fn public_message(&self) -> String {
        match self {
            Self::NotReady => "Search is being prepared, try again later".to_owned(),
            Self::InvalidToken => self.to_string(),
            Self::Index(_) | Self::Folder(_) | Self::BrokeOff => "internal error".to_owned(),
            Self::Rooms(error) => error.public_message(),
        }
    }
}
