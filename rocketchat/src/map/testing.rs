//! What the tests of the mapping share.

use gantry_model::Object;
use gantry_model::id::{EventId, ServerName, UserId};

use super::{People, Source};

pub(crate) const ALICE: &str = "@alice:here.org";
pub(crate) const BOB: &str = "@bob:here.org";
pub(crate) const CAROL: &str = "@carol:there.org";

pub(crate) fn object(json: &str) -> Object {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn server() -> &'static ServerName {
    "here.org".try_into().unwrap()
}

pub(crate) fn name(user: &UserId) -> Option<String> {
    (user == ALICE).then(|| "Alice A.".to_owned())
}

pub(crate) fn people() -> People<'static> {
    People {
        server: server(),
        names: &name,
    }
}

/// A message of a sender; its Rocket.Chat id is that of the event without the dollar.
pub(crate) fn source<'a>(id: &'a str, sender: &'a str, content: &'a Object) -> Source<'a> {
    let event_id: &EventId = id.try_into().unwrap();
    Source {
        id: &id[1..],
        event_id,
        kind: "m.room.message",
        state_key: None,
        sender: sender.try_into().unwrap(),
        ts: 1_000,
        content,
        redacted: false,
        before: None,
        relation: None,
    }
}
