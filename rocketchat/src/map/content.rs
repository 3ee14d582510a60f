//! From Rocket.Chat's messages to the contents of events.

use gantry_model::id::{OwnedUserId, ServerName, UserId};
use gantry_model::{Object, Value};

use super::name::{mentioned, user_of};

/// What a message goes to.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// Our server.
    pub(crate) server: &'a ServerName,
    /// Whether a user is in the room.
    pub(crate) is_member: &'a (dyn Fn(&UserId) -> bool + Send + Sync),
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// The content of a new message. `thread` is the event id of the root.
pub(crate) fn new_message(
    msg: &str,
    thread: Option<&str>,
    tshow: bool,
    target: Target<'_>,
) -> Object {
    let mut content = text(msg, target);
    if let Some(root) = thread {
        let relation = object([
            ("rel_type", "m.thread".into()),
            ("event_id", root.into()),
            ("is_falling_back", true.into()),
            ("m.in_reply_to", object([("event_id", root.into())]).into()),
        ]);
        content.insert("m.relates_to", relation.into());
        if tshow {
            content.insert("org.gantry.tshow", true.into());
        }
    }
    content
}

/// The content of the edit of an event.
pub(crate) fn edit(msg: &str, event_id: &str, target: Target<'_>) -> Object {
    let new = text(msg, target);
    let mut content = object([
        ("msgtype", "m.text".into()),
        ("body", format!("* {msg}").into()),
        (
            "m.relates_to",
            object([
                ("rel_type", "m.replace".into()),
                ("event_id", event_id.into()),
            ])
            .into(),
        ),
    ]);
    content.insert("m.mentions", Object::new().into());
    content.insert("m.new_content", new.into());
    content
}

/// The content of a reaction to an event.
pub(crate) fn reaction(key: &str, event_id: &str) -> Object {
    let relation = object([
        ("rel_type", "m.annotation".into()),
        ("event_id", event_id.into()),
        ("key", key.into()),
    ]);
    object([("m.relates_to", relation.into())])
}

fn text(msg: &str, target: Target<'_>) -> Object {
    let mut mentions = Object::new();
    let mut users: Vec<Value> = Vec::new();
    for name in mentioned(msg) {
        if matches!(name, "all" | "here" | "room") {
            mentions.insert("room", true.into());
        } else if let Some(user) = member(name, target) {
            users.push(user.as_str().into());
        }
    }
    if !users.is_empty() {
        mentions.insert("user_ids", users.into());
    }
    let (kind, body) = match msg.strip_prefix("/me ") {
        Some(act) => ("m.emote", act),
        None => ("m.text", msg),
    };
    object([
        ("msgtype", kind.into()),
        ("body", body.into()),
        ("m.mentions", mentions.into()),
    ])
}

fn member(name: &str, target: Target<'_>) -> Option<OwnedUserId> {
    let user = if name.contains(':') {
        user_of(&format!("@{name}"), target.server)
    } else {
        user_of(name, target.server)
    };
    user.filter(|user| (target.is_member)(user))
}

/// Where rooms made here remember what they are to Rocket.Chat.
pub(crate) const ROOM_TYPE: &str = "org.gantry.room_type";

/// What a room said of itself when it was made. Only our own users are believed.
pub(crate) fn declared_type(
    create: &Object,
    creator: &UserId,
    server: &ServerName,
) -> Option<char> {
    if creator.server_name() != server {
        return None;
    }
    let declared = create.get(ROOM_TYPE).and_then(Value::as_str)?;
    let mut chars = declared.chars();
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ALICE, BOB, CAROL, server};
    use super::*;

    fn members(user: &UserId) -> bool {
        [ALICE, BOB, CAROL].contains(&user.as_str())
    }

    fn target() -> Target<'static> {
        Target {
            server: server(),
            is_member: &members,
        }
    }

    fn json(object: &Object) -> String {
        serde_json::to_string(object).unwrap()
    }

    #[test]
    fn mentions_of_members_are_told() {
        let content = new_message("@bob @nobody @@carol:there.org @all", None, false, target());

        assert_eq!(
            json(&content),
            format!(
                r#"{{"body":"@bob @nobody @@carol:there.org @all","m.mentions":{{"room":true,"user_ids":["{BOB}","{CAROL}"]}},"msgtype":"m.text"}}"#
            )
        );
    }

    #[test]
    fn a_reply_in_a_thread_names_its_root() {
        let content = new_message("x", Some("$root"), true, target());

        assert_eq!(
            json(&content["m.relates_to"].as_object().unwrap().clone()),
            r#"{"event_id":"$root","is_falling_back":true,"m.in_reply_to":{"event_id":"$root"},"rel_type":"m.thread"}"#
        );
        assert_eq!(content["org.gantry.tshow"].as_bool(), Some(true));
    }

    #[test]
    fn an_edit_holds_the_new_content() {
        let content = edit("new", "$old", target());

        let new = content["m.new_content"].as_object().unwrap();
        assert_eq!(new["body"].as_str(), Some("new"));
        assert_eq!(content["body"].as_str(), Some("* new"));
        let relation = content["m.relates_to"].as_object().unwrap();
        assert_eq!(relation["rel_type"].as_str(), Some("m.replace"));
        assert_eq!(relation["event_id"].as_str(), Some("$old"));
    }

    #[test]
    fn an_act_is_an_emote() {
        let content = new_message("/me waves", None, false, target());

        assert_eq!(content["msgtype"].as_str(), Some("m.emote"));
        assert_eq!(content["body"].as_str(), Some("waves"));
    }

    #[test]
    fn only_our_own_rooms_say_what_they_are() {
        let create = Object::from([(ROOM_TYPE.to_owned(), "d".into())]);

        let ours = declared_type(&create, ALICE.try_into().unwrap(), server());
        let theirs = declared_type(&create, CAROL.try_into().unwrap(), server());

        assert_eq!((ours, theirs), (Some('d'), None));
    }
}
