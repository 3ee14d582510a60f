//! Which servers a room excludes: `m.room.server_acl`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#server-access-control-lists-acls-for-rooms>.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use gantry_model::{
    Glob, Object, Value,
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
                .map(|item| Glob::new(&item.to_ascii_lowercase()))
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

    proptest! {
        #[test]
        fn any_content_compiles(content in "\\PC{0,60}") {
            if let Ok(content) = parse_object(content.as_bytes()) {
                Acl::new(&content);
            }
        }
    }
}
