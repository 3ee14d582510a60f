//! Only some fields of events: the filter's `event_fields`.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#filtering>.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The most fields of a filter that are heeded, and the deepest.
const MAX_FIELDS: usize = 100;
const MAX_DEPTH: usize = 10;

/// The fields of events that are wanted, as paths from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventFields(Vec<Vec<String>>);

impl<'de> Deserialize<'de> for EventFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let paths = Vec::<String>::deserialize(deserializer)?;
        let paths = paths.iter().take(MAX_FIELDS).map(|path| split(path));
        Ok(Self(paths.collect()))
    }
}

impl EventFields {
    /// What of an event is wanted. What it does not have is left out.
    pub(crate) fn of(&self, event: &Value) -> Value {
        let mut kept = Map::new();
        for path in &self.0 {
            copy(event, &mut kept, path);
        }
        Value::Object(kept)
    }
}

/// The parts of a path between dots. A backslash takes the meaning from a dot and from itself.
fn split(path: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => part.extend(characters.next()),
            '.' => parts.push(std::mem::take(&mut part)),
            other => part.push(other),
        }
    }
    parts.push(part);
    parts.truncate(MAX_DEPTH);
    parts
}

fn copy(from: &Value, to: &mut Map<String, Value>, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some(value) = from.get(first) else {
        return;
    };
    if rest.is_empty() {
        to.insert(first.clone(), value.clone());
        return;
    }
    let is_there = rest.iter().try_fold(value, |value, part| value.get(part));
    if is_there.is_none() {
        return;
    }
    let child = to
        .entry(first.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(child) = child {
        copy(value, child, rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fields(paths: &[&str]) -> EventFields {
        serde_json::from_value(json!(paths)).expect("fields")
    }

    #[test]
    fn only_what_is_named_is_kept() {
        let event = json!({
            "type": "m.x", "sender": "@a:b",
            "content": { "body": "hi", "m.relates_to": { "rel_type": "m.thread" }, "x": 1 }
        });

        let kept = fields(&[
            "type",
            "content.body",
            r"content.m\.relates_to.rel_type",
            "no.where",
        ]);

        let expected = json!({
            "type": "m.x",
            "content": { "body": "hi", "m.relates_to": { "rel_type": "m.thread" } }
        });
        assert_eq!(kept.of(&event), expected);
        assert_eq!(fields(&[]).of(&event), json!({}));
        assert_eq!(
            fields(&["content.body.deeper"]).of(&event),
            json!({}).clone()
        );
        assert_eq!(
            fields(&["content", "content.body"]).of(&event)["content"],
            event["content"]
        );
    }

    proptest! {
        #[test]
        fn any_path_keeps_nothing_that_was_not_there(path in r"[a-c.\\]{0,12}") {
            let event = json!({ "a": { "b": 1, "c.": { "a": 2 } }, "": 5 });
            let kept = fields(&[&path]).of(&event);

            prop_assert!(kept.as_object().expect("an object").keys().all(|key| event.get(key).is_some()));
        }
    }
}
