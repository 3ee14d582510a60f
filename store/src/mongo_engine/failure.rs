//! What the driver's errors mean.

use mongodb::error::{Error as Driver, ErrorKind, InsertManyError, WriteFailure};

use crate::{Error, Index, Table};

const DUPLICATE_KEY: i32 = 11_000;

/// Codes of a server that steps down, shuts down, is reached badly or takes too long: what it did
/// is not known, and another one, or the same one later, will answer.
const TRANSIENT: &[i32] = &[
    6, 7, 24, 43, 50, 63, 64, 75, 79, 89, 91, 100, 112, 133, 134, 150, 175, 189, 202, 234, 262,
    317, 358, 384, 402, 9001, 10_058, 10_107, 11_600, 11_601, 11_602, 13_388, 13_435, 13_436,
];

/// A document that the server refused.
pub(super) struct Refusal {
    /// Its number within the statement.
    pub(super) at: usize,
    /// What the server says is in the way; `None`: the key.
    pub(super) index: Option<&'static Index>,
}

/// The error of a statement that cannot be refused for a duplicate.
pub(super) fn failed(error: Driver) -> Error {
    let is_transient = match error.kind.as_ref() {
        ErrorKind::Command(command) => TRANSIENT.contains(&command.code),
        ErrorKind::Write(WriteFailure::WriteError(write)) => TRANSIENT.contains(&write.code),
        ErrorKind::InsertMany(many) => {
            let mut codes = many.write_errors.iter().flatten().map(|write| write.code);
            many.write_concern_error.is_some() || codes.all(|code| TRANSIENT.contains(&code))
        }
        ErrorKind::InvalidArgument { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::BsonDeserialization(_)
        | ErrorKind::BsonSerialization(_)
        | ErrorKind::Bson(_)
        | ErrorKind::IncompatibleServer { .. }
        | ErrorKind::SessionsNotSupported
        | ErrorKind::Shutdown
        | ErrorKind::InvalidTlsConfig { .. } => false,
        // Connections, server selection, write concern, and what a later driver may add: nobody
        // knows whether the statement arrived.
        _ => true,
    };
    if is_transient {
        Error::Unavailable(Box::new(error))
    } else {
        Error::Engine(Box::new(error))
    }
}

/// The document that a write was refused for, or the error.
pub(super) fn refusal(table: &'static Table, error: Driver) -> Result<Refusal, Error> {
    let found = match error.kind.as_ref() {
        // Without a majority's acknowledgement nothing before the refusal is certain either.
        ErrorKind::InsertMany(InsertManyError {
            write_errors: Some(errors),
            write_concern_error: None,
            ..
        }) => match errors.as_slice() {
            [one] if one.code == DUPLICATE_KEY => Some((one.index, &one.message)),
            _ => None,
        },
        ErrorKind::Write(WriteFailure::WriteError(one)) if one.code == DUPLICATE_KEY => {
            Some((0, &one.message))
        }
        _ => None,
    };
    match found {
        Some((at, message)) => Ok(Refusal {
            at,
            index: index_of(table, message),
        }),
        None => Err(failed(error)),
    }
}

/// The index that the message names: `... collection: db.room_log index: le dup key: ...`.
fn index_of(table: &'static Table, message: &str) -> Option<&'static Index> {
    let (_, rest) = message.split_once(" index: ")?;
    table.index(rest.split(' ').next()?)
}
