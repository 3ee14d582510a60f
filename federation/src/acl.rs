//! Which servers a room excludes: `m.room.server_acl`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#server-access-control-lists-acls-for-rooms>.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use gantry_model::{
    Object, Value,
    id::{OwnedEventId, OwnedRoomId, ServerName},
};
use gantry_rooms::RoomView;
use parking_lot::Mutex;

/// Rooms whose lists are kept compiled.
const MAX_ROOMS: usize = 10_000;

/// A compiled list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Acl {
    allow: Vec<Glob>,
    deny: Vec<Glob>,
    allow_ip_literals: bool,
}

impl Acl {
    /// Compiles the content of a list.
    pub(crate) fn new(content: &Object) -> Self {
        let globs = |key: &str| {
            let items = content
                .get(key)
                .and_then(Value::as_array)
                .unwrap_or_default();
            items
                .iter()
                .filter_map(Value::as_str)
                .map(Glob::new)
                .collect()
        };
        Self {
            allow: globs("allow"),
            deny: globs("deny"),
            allow_ip_literals: content
                .get("allow_ip_literals")
                .and_then(Value::as_bool)
                .unwrap_or(true),
        }
    }

    /// Whether a server may take part.
    pub(crate) fn allows(&self, server: &ServerName) -> bool {
        let host = server.host().to_ascii_lowercase();
        if !self.allow_ip_literals && is_ip_literal(&host) {
            return false;
        }
        !self.deny.iter().any(|glob| glob.matches(&host))
            && self.allow.iter().any(|glob| glob.matches(&host))
    }
}

fn is_ip_literal(host: &str) -> bool {
    host.starts_with('[') || host.parse::<IpAddr>().is_ok()
}

/// A pattern in which `*` stands for any text and `?` for one character.
#[derive(Debug, PartialEq, Eq)]
struct Glob(Vec<char>);

impl Glob {
    fn new(pattern: &str) -> Self {
        Self(pattern.to_ascii_lowercase().chars().collect())
    }

    /// Takes at most the product of both lengths: only the last `*` is ever tried again.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut pattern_at) = (0, 0);
        let mut retry = None;
        while at < text.len() {
            match self.0.get(pattern_at) {
                Some('*') => {
                    retry = Some((at, pattern_at));
                    pattern_at += 1;
                }
                Some(one) if *one == '?' || *one == text[at] => {
                    at += 1;
                    pattern_at += 1;
                }
                _ => match retry {
                    Some((from, star)) => {
                        at = from + 1;
                        pattern_at = star + 1;
                        retry = Some((at, star));
                    }
                    None => return false,
                },
            }
        }
        self.0[pattern_at..].iter().all(|rest| *rest == '*')
    }
}

/// The compiled lists of rooms.
#[derive(Debug, Default)]
pub(crate) struct Acls(Mutex<HashMap<OwnedRoomId, (OwnedEventId, Arc<Acl>)>>);

impl Acls {
    /// Whether a server may take part in the room as it is in this view.
    pub(crate) fn allows(&self, view: &RoomView, server: &ServerName) -> bool {
        let Some(event) = view.state("m.room.server_acl", "") else {
            return true;
        };
        let mut lists = self.0.lock();
        if let Some((id, acl)) = lists.get(view.room_id())
            && id == event.event_id()
        {
            return acl.allows(server);
        }
        if lists.len() >= MAX_ROOMS {
            lists.clear();
        }
        let acl = Arc::new(Acl::new(event.content()));
        let entry = (event.event_id().to_owned(), Arc::clone(&acl));
        lists.insert(view.room_id().to_owned(), entry);
        drop(lists);
        acl.allows(server)
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;
    use proptest::prelude::*;

    use super::*;

    fn acl(content: &str) -> Acl {
        Acl::new(&parse_object(content.as_bytes()).unwrap())
    }

    fn server(name: &str) -> &ServerName {
        name.try_into().unwrap()
    }

    #[test]
    fn a_server_must_be_allowed_and_not_denied() {
        let acl = acl(r#"{"allow":["*"],"deny":["*.evil.com","evil.com"]}"#);

        assert!(acl.allows(server("good.com:8448")));
        assert!(!acl.allows(server("a.evil.com")));
        assert!(!acl.allows(server("EVIL.com:1")));
    }

    #[test]
    fn an_empty_list_allows_nobody() {
        assert!(!acl("{}").allows(server("a.com")));
    }

    #[test]
    fn ip_literals_can_be_excluded() {
        let acl = acl(r#"{"allow":["*"],"allow_ip_literals":false}"#);

        assert!(!acl.allows(server("127.0.0.1:80")));
        assert!(!acl.allows(server("[::1]")));
        assert!(acl.allows(server("a.com")));
    }

    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((one, rest)) => text.first() == Some(one) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn globs_match_as_by_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let glob = Glob::new(&pattern);
            let text_chars: Vec<char> = text.chars().collect();

            prop_assert_eq!(glob.matches(&text), naive(&glob.0, &text_chars));
        }

        #[test]
        fn any_content_compiles(content in "\\PC{0,60}") {
            if let Ok(content) = parse_object(content.as_bytes()) {
                Acl::new(&content);
            }
        }
    }
}
