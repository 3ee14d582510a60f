//! Why an act on accounts failed.

use gantry_model::ErrorKind;
use gantry_store as store;

/// The result of an operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation of this crate failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An account of that name exists, or existed.
    #[error("the user name is taken")]
    UserInUse,
    /// There is no such account on this server.
    #[error("no such user")]
    UnknownUser,
    /// The account has no such device.
    #[error("no such device")]
    UnknownDevice,
    /// The user id belongs to another server.
    #[error("not a user of this server")]
    NotLocal,
    /// A name is longer than [`crate::MAX_NAME_BYTES`] or a content larger than
    /// [`crate::MAX_CONTENT_BYTES`].
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// The registration token exists already.
    #[error("the registration token exists already")]
    TokenInUse,
    /// The text cannot be a registration token.
    #[error("not a registration token")]
    InvalidToken,
    /// The third-party identifier belongs to another account.
    #[error("the address is in use")]
    ThreepidInUse,
    /// The profile would be larger than [`crate::MAX_CONTENT_BYTES`].
    #[error("the profile is too large")]
    ProfileTooLarge,
    /// Too many others wrote the same document at the same time.
    #[error("the document is being changed by too many at once")]
    Contended,
    /// The password could not be hashed.
    #[error("the password could not be hashed: {0}")]
    Hashing(String),
    /// A stored document cannot be read back.
    #[error("a stored document is damaged")]
    Damaged(#[source] serde_json::Error),
    /// The store failed.
    #[error("the store failed")]
    Storage(#[from] store::Error),
}

impl Error {
    /// What a user would call it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UserInUse => ErrorKind::UserInUse,
            Self::UnknownUser | Self::UnknownDevice => ErrorKind::NotFound,
            Self::NotLocal | Self::InvalidToken | Self::TokenInUse => ErrorKind::InvalidParam,
            Self::ThreepidInUse => ErrorKind::ThreepidInUse,
            Self::ProfileTooLarge => ErrorKind::ProfileTooLarge,
            Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::Contended => ErrorKind::Conflict,
            Self::Storage(error) => error.kind(),
            Self::Hashing(_) | Self::Damaged(_) => ErrorKind::Internal,
        }
    }

    /// A text that may be shown to the user.
    pub fn public_message(&self) -> String {
        match self {
            Self::Storage(error) => error.public_message(),
            Self::Hashing(_) | Self::Damaged(_) => "internal error".to_owned(),
            told => told.to_string(),
        }
    }
}
