//! Messages, with what relates to them.

use std::collections::BTreeMap;

use gantry_model::id::UserId;
use gantry_model::{Object, Value};

use super::system::system;
use super::{Date, Emoji, People, Source, text};
use crate::dto::message::{Mention, Message, Reaction, ThreadSummary};

/// The most users of one kind of reaction, and the most kinds.
const MAX_REACTIONS: usize = 500;

/// What a message is shown with.
#[derive(Clone, Copy)]
pub(crate) struct Related<'a> {
    /// The room's Rocket.Chat id.
    pub(crate) rid: &'a str,
    /// The events that relate to the message.
    pub(crate) events: &'a [Source<'a>],
    /// The Rocket.Chat id of the root of the thread that it is in.
    pub(crate) tmid: Option<&'a str>,
}

/// The message that an event is; `None` if it is none of its own: a reaction, an edit, something
/// deleted.
pub(crate) fn message(
    event: &Source<'_>,
    related: Related<'_>,
    people: People<'_>,
    emoji: &Emoji,
) -> Option<Message> {
    if let Some((kind, msg)) = system(event, people) {
        return Some(plain(event, related.rid, people, Some(kind), msg));
    }
    let is_message = matches!(
        event.kind,
        "m.room.message" | "m.room.encrypted" | "m.sticker"
    );
    let is_edit = event.relation.is_some_and(|(kind, _)| kind == "m.replace");
    if !is_message || is_edit || event.redacted || event.state_key.is_some() {
        return None;
    }
    let edit = last_edit(event, related.events);
    let content = edit
        .and_then(|edit| new_content(edit.content))
        .unwrap_or(event.content);
    let msg = match event.kind {
        "m.room.encrypted" => "🔒 Encrypted message".to_owned(),
        _ => text::of_content(content),
    };
    let thread = thread(event, related.events, people);
    let mut message = plain(event, related.rid, people, None, msg);
    message.urls = text::urls(&message.msg);
    message.mentions = mentions(content, people);
    message.reactions = reactions(related.events, people, emoji);
    message.edited_at = edit.map(|edit| Date(edit.ts));
    message.edited_by = edit.map(|edit| people.user_ref(edit.sender));
    message.tmid = related.tmid.map(str::to_owned);
    message.tshow = content.get("org.gantry.tshow").and_then(Value::as_bool) == Some(true);
    message.thread = thread;
    message.updated_at = Date(
        related
            .events
            .iter()
            .map(|one| one.ts)
            .fold(event.ts, i64::max),
    );
    Some(message)
}

fn plain(
    event: &Source<'_>,
    rid: &str,
    people: People<'_>,
    t: Option<&'static str>,
    msg: String,
) -> Message {
    Message {
        id: event.id.to_owned(),
        rid: rid.to_owned(),
        t,
        msg,
        ts: Date(event.ts),
        u: people.user_ref(event.sender),
        updated_at: Date(event.ts),
        urls: Vec::new(),
        mentions: Vec::new(),
        channels: Vec::new(),
        reactions: BTreeMap::new(),
        edited_at: None,
        edited_by: None,
        tmid: None,
        tshow: false,
        thread: None,
        groupable: false,
    }
}

/// The edit that counts: the newest by the message's own sender.
fn last_edit<'a>(event: &Source<'_>, related: &'a [Source<'a>]) -> Option<&'a Source<'a>> {
    related
        .iter()
        .filter(|one| {
            one.relation == Some(("m.replace", event.event_id))
                && one.sender == event.sender
                && one.kind == event.kind
                && one.state_key.is_none()
                && !one.redacted
                && new_content(one.content).is_some()
        })
        .max_by_key(|one| (one.ts, one.event_id))
}

fn new_content(content: &Object) -> Option<&Object> {
    content.get("m.new_content").and_then(Value::as_object)
}

fn mentions(content: &Object, people: People<'_>) -> Vec<Mention> {
    let Some(mentioned) = content.get("m.mentions").and_then(Value::as_object) else {
        return Vec::new();
    };
    let users = mentioned
        .get("user_ids")
        .and_then(Value::as_array)
        .unwrap_or_default();
    let user = |value: &Value| {
        let user = people.user_ref(<&UserId>::try_from(value.as_str()?).ok()?);
        Some(Mention {
            id: user.id,
            username: user.username,
            name: user.name,
            r#type: "user",
        })
    };
    let mut mentions: Vec<_> = users.iter().take(50).filter_map(user).collect();
    if mentioned.get("room").and_then(Value::as_bool) == Some(true) {
        let all = || "all".to_owned();
        mentions.push(Mention {
            id: all(),
            username: all(),
            name: None,
            r#type: "user",
        });
    }
    mentions
}

fn reactions(
    related: &[Source<'_>],
    people: People<'_>,
    emoji: &Emoji,
) -> BTreeMap<String, Reaction> {
    let mut reactions: BTreeMap<String, Reaction> = BTreeMap::new();
    for one in related
        .iter()
        .filter(|one| one.kind == "m.reaction" && !one.redacted)
    {
        let relation = one.content.get("m.relates_to").and_then(Value::as_object);
        let key = relation
            .and_then(|relation| relation.get("key"))
            .and_then(Value::as_str);
        let Some(key) = key.and_then(|key| emoji.to_rc(key)) else {
            continue;
        };
        if !reactions.contains_key(&key) && reactions.len() >= MAX_REACTIONS {
            continue;
        }
        let username = super::username(one.sender, people.server);
        let by = &mut reactions.entry(key).or_default().usernames;
        if by.len() < MAX_REACTIONS && !by.contains(&username) {
            by.push(username);
        }
    }
    reactions
}

fn thread(event: &Source<'_>, related: &[Source<'_>], people: People<'_>) -> Option<ThreadSummary> {
    let replies: Vec<_> = related
        .iter()
        .filter(|one| one.relation == Some(("m.thread", event.event_id)) && !one.redacted)
        .collect();
    let last = replies.iter().map(|one| one.ts).max()?;
    let mut followers = vec![people.user_ref(event.sender).id];
    for reply in &replies {
        let id = people.user_ref(reply.sender).id;
        if !followers.contains(&id) {
            followers.push(id);
        }
    }
    Some(ThreadSummary {
        tcount: replies.len(),
        tlm: Date(last),
        replies: followers,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ALICE, BOB, CAROL, object, people, source};
    use super::*;

    fn mapped(event: &Source<'_>, events: &[Source<'_>]) -> Option<Message> {
        let related = Related {
            rid: "ROOM",
            events,
            tmid: None,
        };
        message(event, related, people(), &Emoji::new())
    }

    fn text(body: &str) -> Object {
        object(&format!(r#"{{"msgtype": "m.text", "body": "{body}"}}"#))
    }

    fn edit_of(target: &str, body: &str) -> Object {
        object(&format!(
            r#"{{"msgtype": "m.text", "body": "* {body}",
                "m.new_content": {{"msgtype": "m.text", "body": "{body}"}},
                "m.relates_to": {{"rel_type": "m.replace", "event_id": "{target}"}}}}"#
        ))
    }

    fn reaction_to(target: &str, key: &str) -> Object {
        object(&format!(
            r#"{{"m.relates_to":
                {{"rel_type": "m.annotation", "event_id": "{target}", "key": "{key}"}}}}"#
        ))
    }

    #[test]
    fn a_text_is_a_message() {
        let content = text("hello http://a.b");

        let message = mapped(&source("$one", ALICE, &content), &[]).unwrap();

        assert_eq!((message.id.as_str(), message.rid.as_str()), ("one", "ROOM"));
        assert_eq!(message.msg, "hello http://a.b");
        assert_eq!((message.ts, message.updated_at), (Date(1_000), Date(1_000)));
        assert_eq!(message.u.username, "alice");
        assert_eq!(message.u.name.as_deref(), Some("Alice A."));
        assert_eq!(message.urls.len(), 1);
        assert!(message.t.is_none() && message.edited_at.is_none());
    }

    #[test]
    fn only_the_newest_edit_of_the_sender_counts() {
        let content = text("first");
        let (a, b, c) = (
            edit_of("$one", "a"),
            edit_of("$one", "b"),
            edit_of("$one", "c"),
        );
        let target: &gantry_model::id::EventId = "$one".try_into().unwrap();
        let replaces = Some(("m.replace", target));
        let edits = [
            Source {
                ts: 3_000,
                relation: replaces,
                ..source("$b", ALICE, &b)
            },
            Source {
                ts: 2_000,
                relation: replaces,
                ..source("$a", ALICE, &a)
            },
            Source {
                ts: 4_000,
                relation: replaces,
                ..source("$c", BOB, &c)
            },
            Source {
                ts: 5_000,
                relation: replaces,
                redacted: true,
                ..source("$d", ALICE, &c)
            },
        ];

        let message = mapped(&source("$one", ALICE, &content), &edits).unwrap();

        assert_eq!((message.id.as_str(), message.msg.as_str()), ("one", "b"));
        assert_eq!(message.edited_at, Some(Date(3_000)));
        assert_eq!(message.edited_by.unwrap().username, "alice");
        assert_eq!(message.ts, Date(1_000));
        assert_eq!(mapped(&edits[0], &[]), None);
    }

    #[test]
    fn reactions_have_names_and_users() {
        let content = text("x");
        let thumb = reaction_to("$one", "👍");
        let heart = reaction_to("$one", "❤️");
        let reaction = |id, sender, content| Source {
            kind: "m.reaction",
            ..source(id, sender, content)
        };
        let reactions = [
            reaction("$1", BOB, &thumb),
            reaction("$2", CAROL, &thumb),
            reaction("$3", BOB, &heart),
            Source {
                redacted: true,
                ..reaction("$4", ALICE, &thumb)
            },
        ];

        let message = mapped(&source("$one", ALICE, &content), &reactions).unwrap();

        assert_eq!(message.reactions[":thumbsup:"].usernames, ["bob", CAROL]);
        assert_eq!(message.reactions[":heart:"].usernames, ["bob"]);
        assert_eq!(message.reactions.len(), 2);
        assert_eq!(mapped(&reactions[0], &[]), None);
    }

    #[test]
    fn what_was_deleted_is_no_message() {
        let empty = Object::new();
        let deleted = Source {
            redacted: true,
            ..source("$one", ALICE, &empty)
        };

        assert_eq!(mapped(&deleted, &[]), None);
    }

    #[test]
    fn the_root_of_a_thread_tells_of_it() {
        let content = text("root");
        let target: &gantry_model::id::EventId = "$one".try_into().unwrap();
        let in_thread = Some(("m.thread", target));
        let replies = [
            Source {
                ts: 2_000,
                relation: in_thread,
                ..source("$a", BOB, &content)
            },
            Source {
                ts: 4_000,
                relation: in_thread,
                ..source("$b", BOB, &content)
            },
        ];

        let thread = mapped(&source("$one", ALICE, &content), &replies)
            .unwrap()
            .thread
            .unwrap();

        assert_eq!((thread.tcount, thread.tlm), (2, Date(4_000)));
        assert_eq!(thread.replies.len(), 2);
    }

    #[test]
    fn mentions_are_users_or_all() {
        let content = object(&format!(
            r#"{{"msgtype": "m.text", "body": "x",
                "m.mentions": {{"user_ids": ["{BOB}", "{CAROL}", "nonsense", 5], "room": true}}}}"#
        ));

        let mentions = mapped(&source("$one", ALICE, &content), &[])
            .unwrap()
            .mentions;

        let names: Vec<_> = mentions.iter().map(|one| one.username.as_str()).collect();
        assert_eq!(names, ["bob", CAROL, "all"]);
    }
}
