//! The rules for new user names.
//!
//! Specification: <https://spec.matrix.org/v1.19/appendices/#user-identifiers>.

use gantry_model::{
    ErrorKind, Rng,
    id::{MAX_ID_BYTES, OwnedUserId, ServerName, UserId},
};

use crate::{Error, Result};

/// The user id of a new user's name, which is already in lower case.
pub(crate) fn new_user_id(name: &str, server: &ServerName) -> Result<OwnedUserId> {
    if let Some(reason) = objection(name, server) {
        return Err(Error::refused(ErrorKind::InvalidUsername, reason));
    }
    UserId::parse(format!("@{name}:{server}"))
        .map_err(|_| Error::refused(ErrorKind::InvalidUsername, "Not a user name"))
}

/// The user id of a new user of an application service: its names may begin with `_`.
pub(crate) fn new_appservice_user_id(name: &str, server: &ServerName) -> Result<OwnedUserId> {
    let bare = name.trim_start_matches('_');
    let objection = if bare.is_empty() {
        Some("User name is empty")
    } else if bare.bytes().all(|byte| byte.is_ascii_digit()) {
        None
    } else {
        objection(bare, server)
    };
    let is_long = name.len() + server.as_str().len() + 2 > MAX_ID_BYTES;
    if let Some(reason) = objection.or(is_long.then_some("User name is too long")) {
        return Err(Error::refused(ErrorKind::InvalidUsername, reason));
    }
    UserId::parse(format!("@{name}:{server}"))
        .map_err(|_| Error::refused(ErrorKind::InvalidUsername, "Not a user name"))
}

/// A name that nobody asked for: letters for users, digits for guests, whose names users cannot
/// take.
pub(crate) fn random_name(rng: &dyn Rng, guest: bool) -> String {
    if guest {
        rng.text(b"0123456789", 18)
    } else {
        rng.text(b"abcdefghijklmnopqrstuvwxyz", 12)
    }
}

fn objection(name: &str, server: &ServerName) -> Option<&'static str> {
    if name.is_empty() {
        return Some("User name is empty");
    }
    if !name.bytes().all(is_allowed) {
        return Some("User names can only contain the characters a-z, 0-9 and ._=-/+");
    }
    if name.starts_with('_') {
        return Some("User names cannot begin with _");
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("User names of digits only are for guests");
    }
    if name.len() + server.as_str().len() + 2 > MAX_ID_BYTES {
        return Some("User name is too long");
    }
    None
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=-/+".contains(&byte)
}

#[cfg(test)]
mod tests {
    use gantry_model::SeededRng;
    use ruma::server_name;

    use super::*;

    #[test]
    fn the_characters_of_the_specification_are_allowed() {
        let user = new_user_id("a-z.0_9=/+", server_name!("example.org")).expect("allowed");

        assert_eq!(user, "@a-z.0_9=/+:example.org");
    }

    #[test]
    fn other_names_are_refused() {
        let server = server_name!("example.org");
        let long = "a".repeat(243);
        for name in ["", "A", "é", "a b", "a:b", "@a", "_a", "123", long.as_str()] {
            let error = new_user_id(name, server).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidUsername, "{name}");
        }
        assert!(new_user_id(&long[1..], server).is_ok());
    }

    #[test]
    fn a_guest_never_takes_a_name_that_users_can_have() {
        let rng = SeededRng::new(1);
        let server = server_name!("example.org");

        assert!(new_user_id(&random_name(&rng, true), server).is_err());
        assert!(new_user_id(&random_name(&rng, false), server).is_ok());
    }
}
