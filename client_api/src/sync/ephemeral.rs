//! What is told of a room and is no event of it.

use std::collections::BTreeMap;

use gantry_homeserver::Receipt;
use gantry_model::{Object, Value, id::OwnedUserId};

use super::response::DataEvent;

/// Who is typing.
pub(crate) fn typing(users: &[OwnedUserId]) -> DataEvent {
    let users: Vec<Value> = users
        .iter()
        .map(|user| Value::from(user.as_str()))
        .collect();
    DataEvent {
        kind: "m.typing".to_owned(),
        content: Object::from([("user_ids".to_owned(), users.into())]),
    }
}

/// The receipts of an event and a kind, by user.
type Users<'a> = Vec<(&'a str, Value)>;

/// Receipts as `m.receipt` events: event, kind, user. One such event has one place for a user's
/// receipt of a kind at an event; where he has two, of two threads, the second goes into another.
pub(crate) fn receipts(receipts: &[Receipt]) -> Vec<DataEvent> {
    let mut places: BTreeMap<(&str, &str, &str), usize> = BTreeMap::new();
    let mut contents: Vec<BTreeMap<&str, BTreeMap<&str, Users<'_>>>> = Vec::new();
    for receipt in receipts {
        let event = receipt.event_id.as_str();
        let place = places
            .entry((event, &receipt.kind, receipt.user.as_str()))
            .or_default();
        if contents.len() == *place {
            contents.push(BTreeMap::new());
        }
        let kinds = contents[*place].entry(event).or_default();
        let users = kinds.entry(&receipt.kind).or_default();
        users.push((receipt.user.as_str(), data(receipt).into()));
        *place += 1;
    }
    contents
        .into_iter()
        .map(|events| DataEvent {
            kind: "m.receipt".to_owned(),
            content: object_of(events, |kinds| object_of(kinds, Object::from_iter)),
        })
        .collect()
}

fn object_of<T>(fields: BTreeMap<&str, T>, value: impl Fn(T) -> Object) -> Object {
    let fields = fields.into_iter();
    fields
        .map(|(key, field)| (key, Value::from(value(field))))
        .collect()
}

fn data(receipt: &Receipt) -> Object {
    let mut data = Object::from([("ts".to_owned(), Value::from(receipt.ts))]);
    if let Some(thread) = &receipt.thread {
        data.insert("thread_id", Value::from(thread.as_str()));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(event: &str, user: &str, thread: Option<&str>) -> Receipt {
        Receipt {
            room: "!r:b".try_into().expect("a room"),
            user: user.try_into().expect("a user"),
            kind: "m.read".to_owned(),
            thread: thread.map(str::to_owned),
            event_id: event.try_into().expect("an event"),
            ts: 7,
            key: Vec::new(),
        }
    }

    #[test]
    fn receipts_are_gathered_by_event_kind_and_user() {
        let all = [receipt("$a", "@x:b", None), receipt("$a", "@y:b", None)];

        let events = receipts(&all);

        let content = serde_json::to_string(&events[0].content).expect("JSON");
        assert_eq!(events.len(), 1);
        assert_eq!(
            content,
            r#"{"$a":{"m.read":{"@x:b":{"ts":7},"@y:b":{"ts":7}}}}"#
        );
    }

    #[test]
    fn two_threads_at_one_event_take_two_events() {
        let all = [
            receipt("$a", "@x:b", None),
            receipt("$a", "@x:b", Some("main")),
        ];

        let events = receipts(&all);

        let second = serde_json::to_string(&events[1].content).expect("JSON");
        assert_eq!(events.len(), 2);
        assert_eq!(
            second,
            r#"{"$a":{"m.read":{"@x:b":{"thread_id":"main","ts":7}}}}"#
        );
    }
}
