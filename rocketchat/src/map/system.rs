//! System messages: what events other than messages tell.

use gantry_model::id::UserId;
use gantry_model::{Object, Value};

use super::{People, Source, username};

/// The kind and the text of the system message that an event is, if it is one.
pub(super) fn system(event: &Source<'_>, people: People<'_>) -> Option<(&'static str, String)> {
    let state_key = event.state_key?;
    let text = |key| {
        event
            .content
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match event.kind {
        "m.room.member" => {
            let user = <&UserId>::try_from(state_key).ok()?;
            Some((member(event, user)?, username(user, people.server)))
        }
        // The first name comes with the room.
        "m.room.name" => event.before.map(|_| ("r", text("name").to_owned())),
        "m.room.topic" => Some(("room_changed_topic", text("topic").to_owned())),
        "m.room.avatar" => event.before.map(|_| ("room_changed_avatar", String::new())),
        "m.room.join_rules" => {
            let now = privacy(event.content);
            let changed = event.before.is_some_and(|before| privacy(before) != now);
            changed.then(|| ("room_changed_privacy", now.to_owned()))
        }
        _ => None,
    }
}

/// What a change of membership is called.
fn member(event: &Source<'_>, user: &UserId) -> Option<&'static str> {
    let membership = |content: &Object| -> Option<String> {
        content
            .get("membership")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let now = membership(event.content)?;
    let before = event.before.and_then(membership);
    let is_own = event.sender == user;
    match (before.as_deref(), now.as_str()) {
        (Some("join"), "join") | (Some("invite"), "invite") => None,
        (_, "join") => Some("uj"),
        (_, "invite") => Some("ui"),
        (_, "ban") => Some("user-banned"),
        (Some("ban"), "leave") => Some("user-unbanned"),
        (Some("invite"), "leave") if is_own => Some("uir"),
        (Some("join"), "leave") if is_own => Some("ul"),
        (Some("join" | "invite"), "leave") => Some("ru"),
        _ => None,
    }
}

fn privacy(content: &Object) -> &'static str {
    match content.get("join_rule").and_then(Value::as_str) {
        Some("public") => "public",
        _ => "private",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ALICE, BOB, CAROL, object, people, source};
    use super::*;

    fn of_member(
        sender: &str,
        user: &str,
        before: Option<&str>,
        now: &str,
    ) -> Option<(&'static str, String)> {
        let content = |membership: &str| object(&format!(r#"{{"membership": "{membership}"}}"#));
        let (now, before) = (content(now), before.map(content));
        let event = Source {
            kind: "m.room.member",
            state_key: Some(user),
            before: before.as_ref(),
            ..source("$e", sender, &now)
        };
        system(&event, people())
    }

    #[test]
    fn changes_of_membership_have_names() {
        let cases = [
            (ALICE, ALICE, None, "join", Some("uj")),
            (ALICE, ALICE, Some("join"), "join", None),
            (ALICE, BOB, Some("leave"), "invite", Some("ui")),
            (BOB, BOB, Some("invite"), "join", Some("uj")),
            (BOB, BOB, Some("invite"), "leave", Some("uir")),
            (BOB, BOB, Some("join"), "leave", Some("ul")),
            (ALICE, BOB, Some("join"), "leave", Some("ru")),
            (ALICE, BOB, Some("join"), "ban", Some("user-banned")),
            (ALICE, BOB, Some("ban"), "leave", Some("user-unbanned")),
            (BOB, BOB, None, "knock", None),
            (BOB, BOB, None, "nonsense", None),
        ];
        for (sender, user, before, now, expected) in cases {
            let found = of_member(sender, user, before, now);
            assert_eq!(
                found.as_ref().map(|(kind, _)| *kind),
                expected,
                "{before:?} {now}"
            );
            assert!(found.is_none_or(|(_, msg)| msg == user[1..user.find(':').unwrap()]));
        }
        let remote = of_member(CAROL, CAROL, None, "join");
        assert_eq!(remote, Some(("uj", CAROL.to_owned())));
    }

    #[test]
    fn a_new_name_is_told_and_the_first_one_is_not() {
        let (old, new) = (object(r#"{"name": "old"}"#), object(r#"{"name": "new"}"#));
        let first = Source {
            kind: "m.room.name",
            state_key: Some(""),
            ..source("$e", ALICE, &new)
        };
        let renamed = Source {
            before: Some(&old),
            ..first
        };

        assert_eq!(system(&first, people()), None);
        assert_eq!(system(&renamed, people()), Some(("r", "new".to_owned())));
        let message = Source {
            state_key: None,
            ..renamed
        };
        assert_eq!(system(&message, people()), None);
    }
}
