//! Why an act of this crate failed.

use gantry_model::ErrorKind;
use gantry_store as store;

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation of this crate failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name of a room is taken.
    #[error("a room with this name exists")]
    NameTaken,
    /// There is no setting of that name.
    #[error("no such setting")]
    UnknownSetting,
    /// The value does not have the setting's type.
    #[error("the value does not fit the setting")]
    WrongType,
    /// Somebody else was faster, again and again.
    #[error("the document is being changed by too many at once")]
    Contended,
    /// A stored document cannot be read back.
    #[error("a stored document is damaged")]
    Damaged,
    /// The store failed.
    #[error("the store failed")]
    Storage(#[from] store::Error),
    /// The room engine failed.
    #[error("the room engine failed")]
    Rooms(#[from] gantry_rooms::Error),
}

impl Error {
    /// What a user would call it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NameTaken => ErrorKind::RoomInUse,
            Self::UnknownSetting => ErrorKind::NotFound,
            Self::WrongType => ErrorKind::InvalidParam,
            Self::Contended => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
            Self::Damaged => ErrorKind::Internal,
            Self::Rooms(error) => error.kind(),
        }
    }

    /// A text that may be shown to the user.
    pub fn public_message(&self) -> String {
        match self {
            Self::Storage(error) => error.public_message(),
            Self::Damaged => "internal error".to_owned(),
            Self::Rooms(error) => error.public_message(),
            told => told.to_string(),
        }
    }
}
