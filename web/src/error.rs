//! Error kinds in Matrix.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#standard-error-response>.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use gantry_model::ErrorKind;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

#[derive(Serialize)]
struct ErrorBody<'a> {
    errcode: &'static str,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    soft_logout: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_version: Option<&'a str>,
}

/// The status and the error code of a kind.
pub fn matrix_status(kind: &ErrorKind) -> (StatusCode, &'static str) {
    match kind {
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "M_NOT_FOUND"),
        ErrorKind::Forbidden | ErrorKind::WrongCredentials => {
            (StatusCode::FORBIDDEN, "M_FORBIDDEN")
        }
        ErrorKind::MissingToken => (StatusCode::UNAUTHORIZED, "M_MISSING_TOKEN"),
        ErrorKind::UnknownToken { .. } => (StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN"),
        ErrorKind::UserDeactivated => (StatusCode::FORBIDDEN, "M_USER_DEACTIVATED"),
        ErrorKind::UserLocked => (StatusCode::UNAUTHORIZED, "M_USER_LOCKED"),
        ErrorKind::UserSuspended => (StatusCode::FORBIDDEN, "M_USER_SUSPENDED"),
        ErrorKind::GuestAccessForbidden => (StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN"),
        ErrorKind::ThreepidInUse => (StatusCode::BAD_REQUEST, "M_THREEPID_IN_USE"),
        ErrorKind::ThreepidNotFound => (StatusCode::BAD_REQUEST, "M_THREEPID_NOT_FOUND"),
        ErrorKind::ThreepidAuthFailed => (StatusCode::BAD_REQUEST, "M_THREEPID_AUTH_FAILED"),
        ErrorKind::ThreepidDenied => (StatusCode::FORBIDDEN, "M_THREEPID_DENIED"),
        ErrorKind::ThreepidMediumNotSupported => {
            (StatusCode::BAD_REQUEST, "M_THREEPID_MEDIUM_NOT_SUPPORTED")
        }
        ErrorKind::ServerNotTrusted => (StatusCode::BAD_REQUEST, "M_SERVER_NOT_TRUSTED"),
        ErrorKind::ProfileTooLarge => (StatusCode::BAD_REQUEST, "M_PROFILE_TOO_LARGE"),
        ErrorKind::KeyTooLarge => (StatusCode::BAD_REQUEST, "M_KEY_TOO_LARGE"),
        ErrorKind::UnknownDevice => (StatusCode::BAD_REQUEST, "M_UNKNOWN_DEVICE"),
        ErrorKind::ServerControlled => (StatusCode::METHOD_NOT_ALLOWED, "M_BAD_JSON"),
        ErrorKind::NotJson => (StatusCode::BAD_REQUEST, "M_NOT_JSON"),
        ErrorKind::BadJson => (StatusCode::BAD_REQUEST, "M_BAD_JSON"),
        ErrorKind::InvalidParam => (StatusCode::BAD_REQUEST, "M_INVALID_PARAM"),
        ErrorKind::MissingParam => (StatusCode::BAD_REQUEST, "M_MISSING_PARAM"),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE"),
        ErrorKind::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "M_LIMIT_EXCEEDED"),
        ErrorKind::UserInUse => (StatusCode::BAD_REQUEST, "M_USER_IN_USE"),
        ErrorKind::InvalidUsername => (StatusCode::BAD_REQUEST, "M_INVALID_USERNAME"),
        ErrorKind::Exclusive => (StatusCode::BAD_REQUEST, "M_EXCLUSIVE"),
        ErrorKind::WeakPassword => (StatusCode::BAD_REQUEST, "M_WEAK_PASSWORD"),
        ErrorKind::RoomInUse => (StatusCode::BAD_REQUEST, "M_ROOM_IN_USE"),
        ErrorKind::InvalidRoomState => (StatusCode::BAD_REQUEST, "M_INVALID_ROOM_STATE"),
        ErrorKind::UnsupportedRoomVersion => {
            (StatusCode::BAD_REQUEST, "M_UNSUPPORTED_ROOM_VERSION")
        }
        ErrorKind::IncompatibleRoomVersion { .. } => {
            (StatusCode::BAD_REQUEST, "M_INCOMPATIBLE_ROOM_VERSION")
        }
        ErrorKind::BadAlias => (StatusCode::BAD_REQUEST, "M_BAD_ALIAS"),
        ErrorKind::UnableToAuthorizeJoin => (StatusCode::BAD_REQUEST, "M_UNABLE_TO_AUTHORISE_JOIN"),
        ErrorKind::UnableToGrantJoin => (StatusCode::BAD_REQUEST, "M_UNABLE_TO_GRANT_JOIN"),
        ErrorKind::DuplicateAnnotation => (StatusCode::BAD_REQUEST, "M_DUPLICATE_ANNOTATION"),
        ErrorKind::InviteBlocked => (StatusCode::FORBIDDEN, "M_INVITE_BLOCKED"),
        ErrorKind::NotInThread => (
            StatusCode::BAD_REQUEST,
            "IO.ELEMENT.MSC4306.M_NOT_IN_THREAD",
        ),
        ErrorKind::ConflictingUnsubscription => (
            StatusCode::CONFLICT,
            "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION",
        ),
        ErrorKind::Conflict => (StatusCode::CONFLICT, "M_UNKNOWN"),
        ErrorKind::Unauthorized => (StatusCode::UNAUTHORIZED, "M_UNAUTHORIZED"),
        ErrorKind::UnknownPosition => (StatusCode::BAD_REQUEST, "M_UNKNOWN_POS"),
        ErrorKind::Unrecognized => (StatusCode::NOT_FOUND, "M_UNRECOGNIZED"),
        ErrorKind::WrongState => (StatusCode::BAD_REQUEST, "M_UNKNOWN"),
        ErrorKind::RemoteFailed => (StatusCode::BAD_GATEWAY, "M_UNKNOWN"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "M_UNKNOWN"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "M_UNKNOWN"),
    }
}

/// The answer that tells a Matrix client or server of an error. The message is shown, so it must
/// be fit for that.
pub fn matrix_error(kind: &ErrorKind, message: &str) -> Response {
    let (status, errcode) = matrix_status(kind);
    let mut body = ErrorBody {
        errcode,
        error: message,
        retry_after_ms: None,
        soft_logout: None,
        room_version: None,
    };
    let mut retry_after = None;
    match kind {
        ErrorKind::RateLimited { retry_after_ms } => {
            body.retry_after_ms = Some(*retry_after_ms);
            retry_after = Some(HeaderValue::from(retry_after_ms.div_ceil(1000)));
        }
        ErrorKind::UnknownToken { soft_logout } => body.soft_logout = Some(*soft_logout),
        // A client that is told to log in again would lose its data otherwise.
        ErrorKind::UserLocked => body.soft_logout = Some(true),
        ErrorKind::IncompatibleRoomVersion { version } => body.room_version = Some(version),
        _ => {}
    }
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(value) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// A request that did not reach its handler, and why. Answers as [`matrix_error`] does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// The kind.
    pub kind: ErrorKind,
    /// What the asker is told.
    pub message: Cow<'static, str>,
}

impl Rejection {
    /// A rejection.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub(crate) fn too_large() -> Self {
        Self::new(ErrorKind::TooLarge, "The request body is too large")
    }

    pub(crate) fn of_json(error: &serde_json::Error) -> Self {
        if error.is_data() {
            Self::new(
                ErrorKind::BadJson,
                format!("Not the JSON expected: {error}"),
            )
        } else {
            Self::new(ErrorKind::NotJson, "The request body is not JSON")
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        matrix_error(&self.kind, &self.message)
    }
}

#[cfg(test)]
mod tests;
