//! What can go wrong.

use std::error::Error as StdError;

use gantry_model::ErrorKind;

/// The result of a store operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not answer now. A write that ends so may have been applied.
    #[error("the store is not available")]
    Unavailable(#[source] Source),
    /// The engine refused, or its files are damaged; repeating does not help.
    #[error("the storage engine failed")]
    Engine(#[source] Source),
    /// The server cannot be used: the text says what to change.
    #[error("{0}")]
    Unsuitable(String),
    /// A document does not have the shape that its reader or writer asks for.
    #[error("document of table {table}: {reason}")]
    Malformed {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A key does not have the table's length.
    #[error("a key of table {table} has {expected} bytes, not {found}")]
    KeyLength {
        /// The table.
        table: &'static str,
        /// The length that keys have.
        expected: usize,
        /// The length that was given.
        found: usize,
    },
    /// A scan names an index that the table does not have, or more fields than it has.
    #[error("table {table} has no index {index} with these fields")]
    UnknownIndex {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// A document or batch is larger than may be written at once.
    #[error("a document or batch is too large")]
    TooLarge,
    /// A [`crate::Store::put`] has values that a unique index holds for another document.
    #[error("another document has the same values in index {index} of table {table}")]
    Duplicate {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// The text is not the token of a cut.
    #[error("not a position in the stream")]
    InvalidToken,
    /// The cut was made before the store was restored from a backup.
    #[error("the cut is of generation {found}, the store of {expected}")]
    OtherGeneration {
        /// The store's.
        expected: u32,
        /// The cut's.
        found: u32,
    },
    /// Another process writes under our slot.
    #[error("another process took over writer slot {0}")]
    SlotLost(u16),
    /// Another node has this part of the work now.
    #[error("another node has this part of the work")]
    PartLost,
    /// There is no room on the disk. Nothing was written; reads go on, and writes as soon as there is
    /// room.
    #[error("the disk of the server is full")]
    Full,
    /// The store was shut down, or its committer gave up after an error that it logged.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// What this is to a client. Everything that a caller inside of the server does wrong is a
    /// defect.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_)
            | Self::Full
            | Self::Closed
            | Self::SlotLost(_)
            | Self::PartLost => ErrorKind::Unavailable,
            Self::TooLarge => ErrorKind::TooLarge,
            Self::Duplicate { .. } => ErrorKind::Conflict,
            Self::InvalidToken | Self::OtherGeneration { .. } => ErrorKind::UnknownPosition,
            Self::Engine(_)
            | Self::Unsuitable(_)
            | Self::Malformed { .. }
            | Self::KeyLength { .. }
            | Self::UnknownIndex { .. } => ErrorKind::Internal,
        }
    }

    /// What a user may be told.
    pub fn public_message(&self) -> String {
        match self.kind() {
            ErrorKind::Internal => "internal error".to_owned(),
            _ => self.to_string(),
        }
    }

    /// For the log: what went wrong, and why.
    pub(crate) fn with_cause(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(deeper) = cause {
            text = format!("{text}: {deeper}");
            cause = deeper.source();
        }
        text
    }

    pub(crate) fn malformed(table: &'static crate::Table, reason: impl ToString) -> Self {
        Self::Malformed {
            table: table.name,
            reason: reason.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_the_cause() {
        let error = Error::Unavailable("connection refused".into());

        assert_eq!(
            error.with_cause(),
            "the store is not available: connection refused"
        );
        assert_eq!(error.public_message(), "the store is not available");
    }
}
