//! Small objects, written short.

use gantry_model::{Object, Value};

/// An object of these members.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// An object of one text member.
pub(crate) fn text(key: &str, value: &str) -> Object {
    object([(key, value.into())])
}

/// The text of a member.
pub(crate) fn str_of<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// The relation of a message: its type and target, if `m.relates_to` holds both.
pub(crate) fn relation(content: &Object) -> Option<(&str, &str)> {
    let relates_to = content.get("m.relates_to").and_then(Value::as_object)?;
    Some((
        str_of(relates_to, "rel_type")?,
        str_of(relates_to, "event_id")?,
    ))
}
