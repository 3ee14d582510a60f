use http_body_util::BodyExt;

use super::*;

/// One of each. A new kind must be added to the translation, or it does not compile, and here.
fn every_kind() -> Vec<ErrorKind> {
    vec![
        ErrorKind::NotFound,
        ErrorKind::Forbidden,
        ErrorKind::MissingToken,
        ErrorKind::UnknownToken { soft_logout: true },
        ErrorKind::WrongCredentials,
        ErrorKind::UserDeactivated,
        ErrorKind::UserLocked,
        ErrorKind::UserSuspended,
        ErrorKind::GuestAccessForbidden,
        ErrorKind::ThreepidInUse,
        ErrorKind::ThreepidNotFound,
        ErrorKind::ThreepidAuthFailed,
        ErrorKind::ThreepidDenied,
        ErrorKind::ThreepidMediumNotSupported,
        ErrorKind::ServerNotTrusted,
        ErrorKind::ProfileTooLarge,
        ErrorKind::KeyTooLarge,
        ErrorKind::UnknownDevice,
        ErrorKind::ServerControlled,
        ErrorKind::NotJson,
        ErrorKind::BadJson,
        ErrorKind::InvalidParam,
        ErrorKind::MissingParam,
        ErrorKind::TooLarge,
        ErrorKind::RateLimited {
            retry_after_ms: 1500,
        },
        ErrorKind::UserInUse,
        ErrorKind::InvalidUsername,
        ErrorKind::Exclusive,
        ErrorKind::WeakPassword,
        ErrorKind::RoomInUse,
        ErrorKind::InvalidRoomState,
        ErrorKind::UnsupportedRoomVersion,
        ErrorKind::IncompatibleRoomVersion {
            version: "12".to_owned(),
        },
        ErrorKind::BadAlias,
        ErrorKind::UnableToAuthorizeJoin,
        ErrorKind::UnableToGrantJoin,
        ErrorKind::DuplicateAnnotation,
        ErrorKind::InviteBlocked,
        ErrorKind::NotInThread,
        ErrorKind::ConflictingUnsubscription,
        ErrorKind::Conflict,
        ErrorKind::Unauthorized,
        ErrorKind::UnknownPosition,
        ErrorKind::Unrecognized,
        ErrorKind::WrongState,
        ErrorKind::RemoteFailed,
        ErrorKind::Unavailable,
        ErrorKind::Internal,
    ]
}

const EXPECTED: &str = r#"
NotFound 404 {"errcode":"M_NOT_FOUND","error":"x"}
Forbidden 403 {"errcode":"M_FORBIDDEN","error":"x"}
MissingToken 401 {"errcode":"M_MISSING_TOKEN","error":"x"}
UnknownToken { soft_logout: true } 401 {"errcode":"M_UNKNOWN_TOKEN","error":"x","soft_logout":true}
WrongCredentials 403 {"errcode":"M_FORBIDDEN","error":"x"}
UserDeactivated 403 {"errcode":"M_USER_DEACTIVATED","error":"x"}
UserLocked 401 {"errcode":"M_USER_LOCKED","error":"x","soft_logout":true}
UserSuspended 403 {"errcode":"M_USER_SUSPENDED","error":"x"}
GuestAccessForbidden 403 {"errcode":"M_GUEST_ACCESS_FORBIDDEN","error":"x"}
ThreepidInUse 400 {"errcode":"M_THREEPID_IN_USE","error":"x"}
ThreepidNotFound 400 {"errcode":"M_THREEPID_NOT_FOUND","error":"x"}
ThreepidAuthFailed 400 {"errcode":"M_THREEPID_AUTH_FAILED","error":"x"}
ThreepidDenied 403 {"errcode":"M_THREEPID_DENIED","error":"x"}
ThreepidMediumNotSupported 400 {"errcode":"M_THREEPID_MEDIUM_NOT_SUPPORTED","error":"x"}
ServerNotTrusted 400 {"errcode":"M_SERVER_NOT_TRUSTED","error":"x"}
ProfileTooLarge 400 {"errcode":"M_PROFILE_TOO_LARGE","error":"x"}
KeyTooLarge 400 {"errcode":"M_KEY_TOO_LARGE","error":"x"}
UnknownDevice 400 {"errcode":"M_UNKNOWN_DEVICE","error":"x"}
ServerControlled 405 {"errcode":"M_BAD_JSON","error":"x"}
NotJson 400 {"errcode":"M_NOT_JSON","error":"x"}
BadJson 400 {"errcode":"M_BAD_JSON","error":"x"}
InvalidParam 400 {"errcode":"M_INVALID_PARAM","error":"x"}
MissingParam 400 {"errcode":"M_MISSING_PARAM","error":"x"}
TooLarge 413 {"errcode":"M_TOO_LARGE","error":"x"}
RateLimited { retry_after_ms: 1500 } 429 {"errcode":"M_LIMIT_EXCEEDED","error":"x","retry_after_ms":1500}
UserInUse 400 {"errcode":"M_USER_IN_USE","error":"x"}
InvalidUsername 400 {"errcode":"M_INVALID_USERNAME","error":"x"}
Exclusive 400 {"errcode":"M_EXCLUSIVE","error":"x"}
WeakPassword 400 {"errcode":"M_WEAK_PASSWORD","error":"x"}
RoomInUse 400 {"errcode":"M_ROOM_IN_USE","error":"x"}
InvalidRoomState 400 {"errcode":"M_INVALID_ROOM_STATE","error":"x"}
UnsupportedRoomVersion 400 {"errcode":"M_UNSUPPORTED_ROOM_VERSION","error":"x"}
IncompatibleRoomVersion { version: "12" } 400 {"errcode":"M_INCOMPATIBLE_ROOM_VERSION","error":"x","room_version":"12"}
BadAlias 400 {"errcode":"M_BAD_ALIAS","error":"x"}
UnableToAuthorizeJoin 400 {"errcode":"M_UNABLE_TO_AUTHORISE_JOIN","error":"x"}
UnableToGrantJoin 400 {"errcode":"M_UNABLE_TO_GRANT_JOIN","error":"x"}
DuplicateAnnotation 400 {"errcode":"M_DUPLICATE_ANNOTATION","error":"x"}
InviteBlocked 403 {"errcode":"M_INVITE_BLOCKED","error":"x"}
NotInThread 400 {"errcode":"IO.ELEMENT.MSC4306.M_NOT_IN_THREAD","error":"x"}
ConflictingUnsubscription 409 {"errcode":"IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION","error":"x"}
Conflict 409 {"errcode":"M_UNKNOWN","error":"x"}
Unauthorized 401 {"errcode":"M_UNAUTHORIZED","error":"x"}
UnknownPosition 400 {"errcode":"M_UNKNOWN_POS","error":"x"}
Unrecognized 404 {"errcode":"M_UNRECOGNIZED","error":"x"}
WrongState 400 {"errcode":"M_UNKNOWN","error":"x"}
RemoteFailed 502 {"errcode":"M_UNKNOWN","error":"x"}
Unavailable 503 {"errcode":"M_UNKNOWN","error":"x"}
Internal 500 {"errcode":"M_UNKNOWN","error":"x"}
"#;

#[tokio::test]
async fn every_kind_has_its_status_and_body() {
    let mut lines = vec![String::new()];
    for kind in every_kind() {
        let response = matrix_error(&kind, "x");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        lines.push(format!("{kind:?} {status} {body}"));
    }

    assert_eq!(lines.join("\n"), EXPECTED.trim_end());
}

#[test]
fn a_rate_limit_is_also_a_header_in_whole_seconds() {
    let kind = ErrorKind::RateLimited {
        retry_after_ms: 1500,
    };

    let response = matrix_error(&kind, "x");

    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
}
