//! Small pieces of JSON as it goes over the wire.

use gantry_model::{
    Object, Pdu, Value,
    id::{
        EventId, OwnedEventId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, ServerName,
        UserId,
    },
};

/// A string field.
pub(crate) fn text<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

/// The objects of an array field, at most `most`; what is no object is left out.
pub(crate) fn objects(object: &mut Object, key: &str, most: usize) -> Vec<Object> {
    match object.remove(key) {
        Some(Value::Array(items)) => items
            .into_iter()
            .take(most)
            .filter_map(into_object)
            .collect(),
        _ => Vec::new(),
    }
}

/// The object, if it is one.
pub(crate) fn into_object(value: Value) -> Option<Object> {
    if let Value::Object(object) = value {
        Some(object)
    } else {
        None
    }
}

/// The event ids of an array field, at most `most`.
pub(crate) fn event_ids(object: &Object, key: &str, most: usize) -> Vec<OwnedEventId> {
    object
        .get(key)
        .and_then(Value::as_array)
        .unwrap_or_default()
        .iter()
        .take(most)
        .filter_map(|id| id.as_str().and_then(event_id))
        .collect()
}

/// An event id from text.
pub(crate) fn event_id(text: &str) -> Option<OwnedEventId> {
    EventId::parse(text).ok()
}

/// A room id from text.
pub(crate) fn room_id(text: &str) -> Option<OwnedRoomId> {
    RoomId::parse(text).ok()
}

/// A user id from text.
pub(crate) fn user_id(text: &str) -> Option<OwnedUserId> {
    UserId::parse(text).ok()
}

/// A server name from text.
pub(crate) fn server_name(text: &str) -> Option<OwnedServerName> {
    ServerName::parse(text).ok()
}

/// An object of these fields.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Object {
    fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// An array of events.
pub(crate) fn pdus<'a>(pdus: impl IntoIterator<Item = &'a Pdu>) -> Value {
    Value::Array(
        pdus.into_iter()
            .map(|pdu| pdu.object().clone().into())
            .collect(),
    )
}

/// An array of event ids.
pub(crate) fn ids<'a>(ids: impl IntoIterator<Item = &'a EventId>) -> Value {
    Value::Array(ids.into_iter().map(|id| id.as_str().into()).collect())
}

/// What a client sees of a state event of a room that it is not in.
pub(crate) fn stripped(event: &Object) -> Option<Object> {
    const KEYS: [&str; 4] = ["type", "state_key", "sender", "content"];
    KEYS.iter()
        .map(|key| {
            event
                .get(key)
                .map(|value| ((*key).to_owned(), value.clone()))
        })
        .collect()
}

/// A part of a path or a query, percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// The pairs of a query, decoded, at most `most`. What is not UTF-8 is left out.
pub(crate) fn query_pairs(query: &str, most: usize) -> Vec<(String, String)> {
    query
        .split('&')
        .take(most)
        .filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Percent-encoded text of a query; `None`: not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| first == b'%');
        let encoded = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match (first, encoded) {
            (_, Some(byte)) => {
                bytes.push(byte);
                &after[2..]
            }
            (b'+', None) => {
                bytes.push(b' ');
                after
            }
            (byte, None) => {
                bytes.push(byte);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_encoded() {
        assert_eq!(encode("!a:b/c$ü"), "%21a%3Ab%2Fc%24%C3%BC");
    }

    #[test]
    fn a_state_event_without_a_sender_is_not_stripped_state() {
        let event = object([("type", "x".into()), ("state_key", "".into())]);

        assert_eq!(stripped(&event), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "\\PC{0,40}") {
            let pairs = query_pairs(&format!("a={}", encode(&text)), 9);

            prop_assert_eq!(pairs, vec![("a".to_owned(), text)]);
        }

        #[test]
        fn any_query_is_read(query in "[a-f0-9%&=+\\PC]{0,60}") {
            prop_assert!(query_pairs(&query, 5).len() <= 5);
        }
    }
}
