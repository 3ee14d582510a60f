//! Where guests may go.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#guest-access>.

use http::Method;

/// What guests may do, by method and path without the prefix of the version.
const ALLOWED: &[(&str, &str)] = &[
    ("GET", "/rooms/{room_id}/state"),
    ("GET", "/rooms/{room_id}/context/{event_id}"),
    ("GET", "/rooms/{room_id}/event/{event_id}"),
    ("GET", "/rooms/{room_id}/state/{event_type}"),
    ("GET", "/rooms/{room_id}/state/{event_type}/"),
    ("GET", "/rooms/{room_id}/state/{event_type}/{state_key}"),
    ("GET", "/rooms/{room_id}/messages"),
    ("GET", "/rooms/{room_id}/members"),
    ("GET", "/rooms/{room_id}/joined_members"),
    ("GET", "/rooms/{room_id}/initialSync"),
    ("GET", "/sync"),
    ("GET", "/events"),
    ("POST", "/join/{room_id_or_alias}"),
    ("POST", "/rooms/{room_id}/join"),
    ("POST", "/rooms/{room_id}/leave"),
    ("POST", "/rooms/{room_id}/forget"),
    ("PUT", "/rooms/{room_id}/send/{event_type}/{txn_id}"),
    ("PUT", "/rooms/{room_id}/state/{event_type}"),
    ("PUT", "/rooms/{room_id}/state/{event_type}/"),
    ("PUT", "/rooms/{room_id}/state/{event_type}/{state_key}"),
    ("PUT", "/rooms/{room_id}/typing/{user_id}"),
    ("POST", "/rooms/{room_id}/receipt/{receipt_type}/{event_id}"),
    ("POST", "/rooms/{room_id}/read_markers"),
    ("PUT", "/sendToDevice/{event_type}/{txn_id}"),
    ("GET", "/profile/{user_id}"),
    ("GET", "/profile/{user_id}/{field}"),
    ("PUT", "/profile/{user_id}/{field}"),
    ("GET", "/devices"),
    ("GET", "/devices/{device_id}"),
    ("PUT", "/devices/{device_id}"),
    ("POST", "/keys/upload"),
    ("POST", "/keys/query"),
    ("POST", "/keys/claim"),
    ("GET", "/account/whoami"),
    ("GET", "/capabilities"),
    ("GET", "/joined_rooms"),
    ("GET", "/publicRooms"),
    ("POST", "/publicRooms"),
    ("GET", "/directory/room/{room_alias}"),
    ("GET", "/pushrules/"),
    ("POST", "/user/{user_id}/filter"),
    ("GET", "/user/{user_id}/filter/{filter_id}"),
    ("GET", "/room_summary/{room_id_or_alias}"),
    ("GET", "/_matrix/client/versions"),
    ("GET", "/voip/turnServer"),
];

/// Whether guests may do this; `path` is the pattern of the route.
pub(crate) fn may_guests(method: &Method, path: &str) -> bool {
    let path = without_version(path);
    ALLOWED
        .iter()
        .any(|(verb, allowed)| *verb == method.as_str() && *allowed == path)
}

/// A path behind `/_matrix/client/` and the version; others as they are.
pub(crate) fn without_version(path: &str) -> &str {
    path.strip_prefix("/_matrix/client/")
        .and_then(|rest| rest.find('/').map(|slash| &rest[slash..]))
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_read_and_write_but_make_no_rooms() {
        let may = |method, path| may_guests(&method, path);

        assert!(may(Method::GET, "/_matrix/client/v3/sync"));
        assert!(may(
            Method::PUT,
            "/_matrix/client/r0/rooms/{room_id}/send/{event_type}/{txn_id}"
        ));
        assert!(!may(Method::POST, "/_matrix/client/v3/createRoom"));
        assert!(!may(Method::POST, "/_matrix/client/v3/account/password"));
        assert!(!may(Method::POST, "/_matrix/client/v3/sync"));
        assert_eq!(
            without_version("/_matrix/client/versions"),
            "/_matrix/client/versions"
        );
    }
}
