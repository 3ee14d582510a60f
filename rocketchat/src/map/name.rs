//! Names: of users and of rooms.

use gantry_model::id::{OwnedUserId, ServerName, UserId, parse_user};

/// The longest name of a room made here, in bytes.
pub(crate) const MAX_ROOM_NAME_BYTES: usize = 100;

/// The user name of a user: the local part for our own, the whole id for others.
pub(crate) fn username(user: &UserId, server: &ServerName) -> String {
    if user.server_name() == server {
        user.localpart()
    } else {
        user.as_str()
    }
    .to_owned()
}

/// The user of a user name. Whether there is one is another question.
pub(crate) fn user_of(username: &str, server: &ServerName) -> Option<OwnedUserId> {
    if username.starts_with('@') && username.contains(':') {
        return parse_user(username);
    }
    let local = username.strip_prefix('@').unwrap_or(username);
    if local.is_empty() || local.contains([':', '@']) {
        return None;
    }
    parse_user(&format!("@{}:{server}", local.to_lowercase()))
}

/// A name that fits into an address, from what people call a room.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for char in name.trim().chars().take(MAX_ROOM_NAME_BYTES) {
        if char.is_alphanumeric() || "-_.".contains(char) {
            slug.push(char);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

/// Whether a room made here may have the name.
pub(crate) fn is_room_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= MAX_ROOM_NAME_BYTES && name.bytes().all(allowed)
}

/// User names after an `@` in a text, without it, in order; at most 50.
pub(crate) fn mentioned(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut last = ' ';
    for (at, char) in text.char_indices() {
        // An address of mail is no mention.
        if char == '@' && !last.is_alphanumeric() {
            let name = word(&text[at + 1..]);
            if !name.is_empty() && !found.contains(&name) && found.len() < 50 {
                found.push(name);
            }
        }
        last = char;
    }
    found
}

/// The user name at the beginning of a text.
fn word(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && !"-_.=/+:".contains(char));
    text[..end.unwrap_or(text.len())].trim_end_matches(['.', ':', '-', '/'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server() -> &'static ServerName {
        "here.org".try_into().unwrap()
    }

    #[test]
    fn user_names_lead_to_users_and_back() {
        for (name, id) in [
            ("alice", "@alice:here.org"),
            ("a.b-c_d", "@a.b-c_d:here.org"),
            ("@carol:there.org", "@carol:there.org"),
        ] {
            let user = user_of(name, server()).unwrap();
            assert_eq!(user, id);
            assert_eq!(username(&user, server()), name);
        }
        assert_eq!(user_of("@Alice", server()).unwrap(), "@alice:here.org");
        for nobody in ["", "@", "a:b", "a@b"] {
            assert_eq!(user_of(nobody, server()), None, "{nobody}");
        }
    }

    #[test]
    fn a_slug_is_what_an_address_can_hold() {
        assert_eq!(slug("General"), "General");
        assert_eq!(slug("  Öffentlicher Raum! "), "Öffentlicher-Raum");
        assert_eq!(slug("a // b"), "a-b");
        assert_eq!(slug("!!!"), "");
        assert!(is_room_name("Team_1.x-y"));
        for bad in ["", "a b", "é", "a/b", &"x".repeat(101)] {
            assert!(!is_room_name(bad), "{bad}");
        }
    }

    #[test]
    fn mentions_are_found_where_a_word_begins() {
        let text = "@alice, look: (@bob) mail@me.org @all @carol:there.org: hi @alice";

        assert_eq!(mentioned(text), ["alice", "bob", "all", "carol:there.org"]);
    }

    proptest! {
        #[test]
        fn any_text_has_mentions_that_stand_in_it(text in "[@a-z:. é]{0,60}") {
            for name in mentioned(&text) {
                let stands_there = text.contains(&format!("@{name}"));
                prop_assert!(stands_there);
            }
        }

        #[test]
        fn any_slug_is_its_own_slug(text in "\\PC{0,40}") {
            let once = slug(&text);
            prop_assert_eq!(slug(&once), once.clone());
        }
    }
}
