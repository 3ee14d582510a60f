//! Why an act did not happen.

use gantry_model::ErrorKind;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an act did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A use-case refuses, for a reason that the user may read.
    #[error("{reason}")]
    Refused {
        /// What surfaces make of it.
        kind: ErrorKind,
        /// The reason, in words for the user.
        reason: String,
    },
    /// The room engine refuses or failed.
    #[error("rooms: {0}")]
    Rooms(#[from] gantry_rooms::Error),
    /// Accounts refuse or failed.
    #[error("accounts: {0}")]
    Accounts(#[from] gantry_accounts::Error),
    /// The search index failed.
    #[error("search: {0}")]
    Search(#[from] gantry_search::Error),
    /// Another server refuses or failed.
    #[error("federation: {0}")]
    Federation(#[from] gantry_federation::Error),
}

impl Error {
    pub(crate) fn refused(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::Refused {
            kind,
            reason: reason.into(),
        }
    }

    pub(crate) fn forbidden(reason: impl Into<String>) -> Self {
        Self::refused(ErrorKind::Forbidden, reason)
    }

    pub(crate) fn not_found(reason: impl Into<String>) -> Self {
        Self::refused(ErrorKind::NotFound, reason)
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::refused(ErrorKind::InvalidParam, reason)
    }

    pub(crate) fn bad_json(reason: impl Into<String>) -> Self {
        Self::refused(ErrorKind::BadJson, reason)
    }

    /// What surfaces make of it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused { kind, .. } => kind.clone(),
            Self::Rooms(error) => error.kind(),
            Self::Accounts(error) => error.kind(),
            Self::Search(error) => error.kind(),
            Self::Federation(error) => error.kind(),
        }
    }

    /// What a user may be told.
    pub fn public_message(&self) -> String {
        match self {
            Self::Refused { reason, .. } => reason.clone(),
            Self::Rooms(error) => error.public_message(),
            Self::Accounts(error) => error.public_message(),
            Self::Search(error) => error.public_message(),
            Self::Federation(error) => error.public_message(),
        }
    }
}
