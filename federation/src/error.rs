//! What can go wrong between servers, and how it is answered to one.

use axum::response::{IntoResponse, Response};
use gantry_model::{ErrorKind, PduError, id::OwnedServerName};

/// What can go wrong between servers.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Federation is switched off.
    #[error("this server does not federate")]
    Disabled,
    /// The other server did not prove who it is.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The other server may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The invited user takes no invites of this one.
    #[error("the user takes no invites")]
    InviteBlocked,
    /// There is no such thing, or the other server may not know of it.
    #[error("{0}")]
    NotFound(&'static str),
    /// The request does not have the form of its endpoint.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The body is not JSON.
    #[error("the body is not JSON")]
    NotJson,
    /// The body, or a list in it, is too large.
    #[error("{0}")]
    TooLarge(&'static str),
    /// An event does not have the form of its room version.
    #[error("{0}")]
    Malformed(#[from] PduError),
    /// The other server does not speak the room's version, or we do not.
    #[error("the room has version {version}, which is not supported")]
    IncompatibleVersion {
        /// The room's version.
        version: String,
    },
    /// We cannot tell whether the user may join; another server can.
    #[error("this server cannot tell whether the user may join")]
    UnableToAuthorizeJoin,
    /// The configuration excludes the other server.
    #[error("this server does not talk to {server}")]
    Excluded {
        /// The server.
        server: OwnedServerName,
    },
    /// The other server asks for too much at once.
    #[error("too many requests")]
    Overloaded {
        /// When it may ask again, in milliseconds.
        retry_after_ms: u64,
    },
    /// Too much waits to be worked off.
    #[error("too much waits for this room")]
    Busy,
    /// The other server answered with an error.
    #[error("{server} refused: {status} {errcode}")]
    Refused {
        /// The server.
        server: OwnedServerName,
        /// The status.
        status: u16,
        /// The Matrix error code; empty if there was none.
        errcode: String,
        /// The room version that an error about versions names.
        room_version: Option<String>,
    },
    /// The other server could not be reached.
    #[error("{server} cannot be reached")]
    Unreachable {
        /// The server.
        server: OwnedServerName,
        /// Why.
        #[source]
        source: gantry_outbound::Error,
    },
    /// The other server's answer is not what the specification says.
    #[error("{server} answered wrongly: {reason}")]
    BadAnswer {
        /// The server.
        server: OwnedServerName,
        /// What is wrong.
        reason: &'static str,
    },
    /// No server is known that could be asked.
    #[error("no server is known that could be asked")]
    NoServer,
    /// The other servers took too long.
    #[error("the other servers took too long")]
    Timeout,
    /// The server stops.
    #[error("the server stops")]
    Interrupted,
    /// The room engine refused or failed.
    #[error(transparent)]
    Rooms(#[from] gantry_rooms::Error),
    /// The accounts failed.
    #[error(transparent)]
    Accounts(#[from] gantry_accounts::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What surfaces make of it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Disabled | Self::Forbidden(_) | Self::Excluded { .. } => ErrorKind::Forbidden,
            Self::Overloaded { retry_after_ms } => ErrorKind::RateLimited {
                retry_after_ms: *retry_after_ms,
            },
            Self::Unauthorized(_) => ErrorKind::Unauthorized,
            Self::InviteBlocked => ErrorKind::InviteBlocked,
            Self::NotFound(_) | Self::NoServer => ErrorKind::NotFound,
            Self::BadRequest(_) => ErrorKind::InvalidParam,
            Self::Malformed(PduError::TooLarge) | Self::TooLarge(_) => ErrorKind::TooLarge,
            Self::Malformed(_) => ErrorKind::BadJson,
            Self::NotJson => ErrorKind::NotJson,
            Self::IncompatibleVersion { version } => ErrorKind::IncompatibleRoomVersion {
                version: version.clone(),
            },
            Self::UnableToAuthorizeJoin => ErrorKind::UnableToAuthorizeJoin,
            Self::Busy | Self::Interrupted => ErrorKind::Unavailable,
            Self::Refused {
                errcode,
                room_version,
                ..
            } => refusal(errcode, room_version.as_deref()),
            Self::Unreachable { .. } | Self::BadAnswer { .. } | Self::Timeout => {
                ErrorKind::RemoteFailed
            }
            Self::Rooms(error) => error.kind(),
            Self::Accounts(error) => error.kind(),
        }
    }

    /// What a user or another server may be told. Texts of other servers are never passed on.
    pub fn public_message(&self) -> String {
        match self {
            Self::Refused { .. } => match self.kind() {
                ErrorKind::Forbidden => "the other server does not allow it".to_owned(),
                ErrorKind::NotFound => "the other server does not know it".to_owned(),
                ErrorKind::IncompatibleRoomVersion { .. } => {
                    "the room's version is not supported".to_owned()
                }
                _ => "the other server refused".to_owned(),
            },
            Self::Rooms(error) => error.public_message(),
            Self::Accounts(error) => error.public_message(),
            other => other.to_string(),
        }
    }

    /// Whether the other server has said no: what was asked of it did not happen.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status < 500)
    }

    /// Whether another server might answer better: this one was away, broken or not in the room.
    pub(crate) fn is_about_the_server(&self) -> bool {
        let is_final = matches!(
            self.kind(),
            ErrorKind::Forbidden | ErrorKind::IncompatibleRoomVersion { .. }
        );
        !is_final || matches!(self, Self::Excluded { .. })
    }
}

/// Of two failures the one that says more: a refusal rather than an absence.
pub(crate) fn more_telling(old: Option<Error>, new: Error) -> Error {
    match old {
        Some(old) if matches!(new, Error::NoServer) => old,
        Some(old) if !old.is_about_the_server() => old,
        Some(old @ Error::Refused { .. }) if !matches!(new, Error::Refused { .. }) => old,
        _ => new,
    }
}

fn refusal(errcode: &str, room_version: Option<&str>) -> ErrorKind {
    match errcode {
        "M_FORBIDDEN" | "M_INVITE_BLOCKED" => ErrorKind::Forbidden,
        "M_NOT_FOUND" => ErrorKind::NotFound,
        "M_INCOMPATIBLE_ROOM_VERSION" => ErrorKind::IncompatibleRoomVersion {
            version: room_version.unwrap_or_default().to_owned(),
        },
        "M_UNABLE_TO_AUTHORISE_JOIN" => ErrorKind::UnableToAuthorizeJoin,
        "M_UNABLE_TO_GRANT_JOIN" => ErrorKind::UnableToGrantJoin,
        _ => ErrorKind::RemoteFailed,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let kind = self.kind();
        if matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable) {
            tracing::warn!(error = %self, "a request of another server failed");
        }
        gantry_web::matrix_error(&kind, &self.public_message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_nobody_can_be_asked_about_is_not_found() {
        assert_eq!(Error::NoServer.kind(), ErrorKind::NotFound);
    }
}
