//! What is answered when a request fails.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use gantry_homeserver::UiaChallenge;
use gantry_model::ErrorKind;
use gantry_web::{matrix_error, matrix_status};
use http::StatusCode;

use crate::uia::ChallengeBody;

/// A result of a handler.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The use-case refuses or failed.
    #[error(transparent)]
    Homeserver(#[from] gantry_homeserver::Error),
    /// The surface itself refuses.
    #[error("{reason}")]
    Refused {
        /// What it is in Matrix.
        kind: ErrorKind,
        /// The reason, in words for the user.
        reason: &'static str,
    },
    /// A parameter is missing.
    #[error("Missing parameter: {0}")]
    MissingParam(&'static str),
    /// The client has to authenticate again; 401 with the challenge.
    #[error("authentication needed")]
    AuthenticationNeeded(Box<UiaChallenge>),
}

impl Error {
    /// Something does not exist.
    pub(crate) fn not_found(reason: &'static str) -> Self {
        Self::Refused {
            kind: ErrorKind::NotFound,
            reason,
        }
    }

    /// A parameter is unusable.
    pub(crate) fn invalid(reason: &'static str) -> Self {
        Self::Refused {
            kind: ErrorKind::InvalidParam,
            reason,
        }
    }

    /// A kind of login or of identifier that this server does not have.
    pub(crate) fn unknown_login_type() -> Self {
        Self::Refused {
            kind: ErrorKind::WrongState,
            reason: "Unknown login type",
        }
    }

    /// The body is JSON of a wrong shape.
    pub(crate) fn bad_json(reason: &'static str) -> Self {
        Self::Refused {
            kind: ErrorKind::BadJson,
            reason,
        }
    }
}

/// The error code of a kind.
pub(crate) fn errcode(kind: &ErrorKind) -> &'static str {
    matrix_status(kind).1
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Homeserver(error) => {
                let kind = error.kind();
                if matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable) {
                    tracing::error!(%error, "a request failed");
                }
                matrix_error(&kind, &error.public_message())
            }
            Self::Refused { kind, reason } => matrix_error(&kind, reason),
            Self::MissingParam(_) => matrix_error(&ErrorKind::MissingParam, &self.to_string()),
            Self::AuthenticationNeeded(challenge) => {
                let body = Json(ChallengeBody::from(*challenge));
                (StatusCode::UNAUTHORIZED, body).into_response()
            }
        }
    }
}
