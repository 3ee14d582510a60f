//! Why a request did not succeed, as Rocket.Chat's clients know it: the one translation of
//! [`ErrorKind`] for REST and DDP.

use gantry_homeserver as homeserver;
use gantry_homeserver::workspace;
use gantry_model::ErrorKind;
use http::StatusCode;
use serde::Serialize;

/// The result of a request.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Error {
    /// The status of a REST answer.
    pub(crate) status: StatusCode,
    /// What clients tell errors apart by.
    pub(crate) code: Option<&'static str>,
    /// The reason, in words for the user.
    pub(crate) reason: String,
}

/// The body of a REST answer that is an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody<'a> {
    success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

/// An error of a DDP method or subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DdpError<'a> {
    is_client_safe: bool,
    error: DdpCode,
    reason: &'a str,
    message: String,
    error_type: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DdpCode {
    Number(u16),
    Text(&'static str),
}

impl Error {
    /// A refusal with a code.
    pub(crate) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: Some(code),
            reason: reason.into(),
        }
    }

    /// A refusal without one.
    pub(crate) fn plain(reason: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: None,
            reason: reason.into(),
        }
    }

    /// Nobody is logged in.
    pub(crate) fn unauthenticated() -> Self {
        let reason = "You must be logged in to do this.".to_owned();
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: None,
            reason,
        }
    }

    /// User name and password do not fit together.
    pub(crate) fn wrong_credentials() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: None,
            reason: "Unauthorized".to_owned(),
        }
    }

    /// There is no such room, of this kind, for this user.
    pub(crate) fn no_room(params: &str) -> Self {
        let reason = format!("The required {params} param provided does not match any channel");
        Self::new("error-room-not-found", reason)
    }

    /// A parameter is missing.
    pub(crate) fn missing(name: &str) -> Self {
        Self::new(
            "invalid-params",
            format!("must have required property '{name}'"),
        )
    }

    /// There is no such user.
    pub(crate) fn no_user() -> Self {
        Self::plain("User not found.")
    }

    /// There is no such message.
    pub(crate) fn no_message() -> Self {
        Self::new("error-message-not-found", "Message not found")
    }

    /// The user may not do that.
    pub(crate) fn not_allowed() -> Self {
        Self::new("error-action-not-allowed", "Not allowed")
    }

    /// There is no such path.
    pub(crate) fn no_path() -> Self {
        let reason = "Resource not found".to_owned();
        Self {
            status: StatusCode::NOT_FOUND,
            code: None,
            reason,
        }
    }

    /// The body of the REST answer.
    pub(crate) fn body(&self) -> ErrorBody<'_> {
        let is_login = self.status == StatusCode::UNAUTHORIZED;
        ErrorBody {
            success: false,
            status: is_login.then_some("error"),
            error: self.text(),
            error_type: self.code,
            message: is_login.then_some(&self.reason),
        }
    }

    /// The error of a DDP answer.
    pub(crate) fn ddp(&self) -> DdpError<'_> {
        let error = match (self.code, self.status) {
            (Some(code), _) => DdpCode::Text(code),
            // Clients know a failed login by this number.
            (None, StatusCode::UNAUTHORIZED) => DdpCode::Number(403),
            (None, status) => DdpCode::Number(status.as_u16()),
        };
        let shown = match &error {
            DdpCode::Number(number) => number.to_string(),
            DdpCode::Text(code) => (*code).to_owned(),
        };
        DdpError {
            is_client_safe: true,
            error,
            reason: &self.reason,
            message: format!("{} [{shown}]", self.reason),
            error_type: "Meteor.Error",
        }
    }

    fn text(&self) -> String {
        match self.code {
            Some(code) => format!("{} [{code}]", self.reason),
            None => self.reason.clone(),
        }
    }

    /// What a kind of failure is to Rocket.Chat's clients.
    fn of_kind(kind: &ErrorKind, reason: String) -> Self {
        let (status, code) = match kind {
            ErrorKind::NotFound => (400, Some("error-not-found")),
            ErrorKind::Forbidden
            | ErrorKind::UserSuspended
            | ErrorKind::GuestAccessForbidden
            | ErrorKind::ThreepidDenied
            | ErrorKind::ServerControlled
            | ErrorKind::InviteBlocked
            | ErrorKind::UnableToAuthorizeJoin
            | ErrorKind::UnableToGrantJoin => (400, Some("error-not-allowed")),
            ErrorKind::MissingToken
            | ErrorKind::UnknownToken { .. }
            | ErrorKind::WrongCredentials
            | ErrorKind::UserDeactivated
            | ErrorKind::UserLocked
            | ErrorKind::ThreepidAuthFailed
            | ErrorKind::Unauthorized => (401, None),
            ErrorKind::NotJson | ErrorKind::BadJson | ErrorKind::MissingParam => {
                (400, Some("invalid-params"))
            }
            ErrorKind::InvalidParam
            | ErrorKind::InvalidRoomState
            | ErrorKind::UnsupportedRoomVersion
            | ErrorKind::IncompatibleRoomVersion { .. }
            | ErrorKind::BadAlias
            | ErrorKind::ThreepidNotFound
            | ErrorKind::ThreepidMediumNotSupported
            | ErrorKind::ServerNotTrusted
            | ErrorKind::ProfileTooLarge
            | ErrorKind::KeyTooLarge
            | ErrorKind::UnknownDevice
            | ErrorKind::NotInThread
            | ErrorKind::WrongState
            | ErrorKind::UnknownPosition => (400, Some("error-invalid-params")),
            ErrorKind::TooLarge => (400, Some("error-message-size-exceeded")),
            ErrorKind::RateLimited { .. } => (429, Some("error-too-many-requests")),
            ErrorKind::UserInUse | ErrorKind::ThreepidInUse => {
                (400, Some("error-field-unavailable"))
            }
            ErrorKind::InvalidUsername | ErrorKind::Exclusive => {
                (400, Some("error-invalid-username"))
            }
            ErrorKind::WeakPassword => (400, Some("error-password-policy-not-met")),
            ErrorKind::RoomInUse => (400, Some("error-duplicate-channel-name")),
            ErrorKind::DuplicateAnnotation
            | ErrorKind::ConflictingUnsubscription
            | ErrorKind::Conflict => (400, Some("error-duplicate")),
            ErrorKind::Unrecognized => (404, None),
            ErrorKind::RemoteFailed => (400, Some("error-federation")),
            ErrorKind::Unavailable => (503, Some("error-unavailable")),
            ErrorKind::Internal => (500, Some("error-internal")),
        };
        let status = StatusCode::from_u16(status).expect("the table holds status codes");
        Self {
            status,
            code,
            reason,
        }
    }
}

impl From<homeserver::Error> for Error {
    fn from(error: homeserver::Error) -> Self {
        let kind = error.kind();
        if matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable) {
            tracing::error!(%error, "a Rocket.Chat request failed");
        }
        Self::of_kind(&kind, error.public_message())
    }
}

impl From<workspace::Error> for Error {
    fn from(error: workspace::Error) -> Self {
        let kind = error.kind();
        if matches!(kind, ErrorKind::Internal | ErrorKind::Unavailable) {
            tracing::error!(%error, "a Rocket.Chat request failed");
        }
        Self::of_kind(&kind, error.public_message())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn a_refusal_ends_with_its_code() {
        let error = Error::no_room("\"roomId\"");

        assert_eq!(
            to_value(error.body()).unwrap(),
            json!({
                "success": false,
                "error": "The required \"roomId\" param provided does not match any channel \
                          [error-room-not-found]",
                "errorType": "error-room-not-found",
            })
        );
    }

    #[test]
    fn who_is_not_logged_in_is_told_in_the_old_way_and_the_new() {
        assert_eq!(
            to_value(Error::unauthenticated().body()).unwrap(),
            json!({
                "success": false,
                "status": "error",
                "error": "You must be logged in to do this.",
                "message": "You must be logged in to do this.",
            })
        );
    }

    #[test]
    fn ddp_errors_have_a_number_or_a_code() {
        assert_eq!(
            to_value(Error::wrong_credentials().ddp()).unwrap(),
            json!({
                "isClientSafe": true, "error": 403, "reason": "Unauthorized",
                "message": "Unauthorized [403]", "errorType": "Meteor.Error",
            })
        );
        assert_eq!(
            to_value(Error::no_message().ddp()).unwrap()["error"],
            "error-message-not-found"
        );
    }

    #[test]
    fn kinds_have_codes() {
        let code = |kind| Error::of_kind(&kind, String::new());

        assert_eq!(
            code(ErrorKind::RoomInUse).code,
            Some("error-duplicate-channel-name")
        );
        assert_eq!(
            code(ErrorKind::WrongCredentials).status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(
            code(ErrorKind::RateLimited { retry_after_ms: 1 }).status,
            429
        );
        assert_eq!(code(ErrorKind::Unavailable).status, 503);
    }
}
