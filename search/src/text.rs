//! What of events stands in the index.

use std::collections::HashMap;

use gantry_model::{Object, Value, id::OwnedEventId};
use gantry_rooms::{Placed, RoomEvent, RoomView, Rooms, newest_edit};

use crate::{
    Key, Result,
    writer::{Document, Op},
};

/// How many children of a message are looked at for its newest edit.
const MAX_CHILDREN: usize = 1_000;

/// What events at positions of a room's log make of the index.
pub(crate) async fn ops_of(rooms: &Rooms, view: &RoomView, placed: Vec<Placed>) -> Result<Vec<Op>> {
    let room = view.number();
    let edits = edits_of(rooms, view, &placed).await?;
    let mut ops = Vec::with_capacity(placed.len());
    for (pos, event) in placed {
        let Some(event) = event else {
            let document = None;
            ops.push(Op::Set {
                room,
                pos,
                document,
            });
            continue;
        };
        if event.pdu.is_state("m.room.encryption", "") {
            // From now on nothing of the room can be found, so nothing of it is kept.
            ops.push(Op::Gone(gantry_rooms::Gone::Room(room)));
            continue;
        }
        let Some(key) = key_of(&event) else { continue };
        let sender = event.pdu.sender().to_owned();
        let is_hidden = view.is_encrypted() || rooms.is_erased(&sender).await?;
        let document = match edits.get(event.event_id()) {
            Some(edit) if !is_hidden => document_of(key, &event, new_content(edit)),
            None if !is_hidden => document_of(key, &event, event.pdu.content()),
            _ => None,
        };
        ops.push(Op::Set {
            room,
            pos,
            document,
        });
    }
    Ok(ops)
}

/// The text of an event as it is now, with its newest edit.
pub fn text_of<'a>(event: &'a RoomEvent, edit: Option<&'a RoomEvent>) -> Option<&'a str> {
    let content = edit.map_or(event.pdu.content(), new_content);
    content.get(key_of(event)?.field()).and_then(Value::as_str)
}

/// The newest edits of messages.
async fn edits_of(
    rooms: &Rooms,
    view: &RoomView,
    placed: &[Placed],
) -> Result<HashMap<OwnedEventId, RoomEvent>> {
    let messages = placed.iter().filter_map(|(_, event)| event.as_ref());
    let messages: Vec<&RoomEvent> = messages
        .filter(|event| key_of(event) == Some(Key::Body) && event.redacted_because.is_none())
        .collect();
    let ids: Vec<_> = messages
        .iter()
        .map(|event| event.event_id().to_owned())
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let related = rooms.related(view.room_id(), &ids, MAX_CHILDREN).await?;
    let mut edits = HashMap::new();
    for (message, related) in messages.into_iter().zip(related) {
        let is_edit = |one: &&RoomEvent| {
            let relation = one.relation.as_ref();
            relation.is_some_and(|relation| relation.kind == "m.replace")
        };
        let newest = newest_edit(message, related.events.iter().filter(is_edit));
        if let Some(edit) = newest {
            edits.insert(message.event_id().to_owned(), edit.clone());
        }
    }
    Ok(edits)
}

/// What of an event is searched; `None`: nothing, whatever it holds.
fn key_of(event: &RoomEvent) -> Option<Key> {
    let pdu = &event.pdu;
    match pdu.kind() {
        "m.room.message" if pdu.state_key().is_none() => {
            let edits = event.relation.as_ref();
            let edits = edits.is_some_and(|relation| relation.kind == "m.replace");
            (!edits).then_some(Key::Body)
        }
        "m.room.name" if pdu.state_key() == Some("") => Some(Key::Name),
        "m.room.topic" if pdu.state_key() == Some("") => Some(Key::Topic),
        _ => None,
    }
}

fn document_of(key: Key, event: &RoomEvent, content: &Object) -> Option<Document> {
    // Soft-failed events have no place in the timeline; a redacted one has no text.
    event.key?;
    let text = content.get(key.field()).and_then(Value::as_str)?;
    Some(Document {
        key,
        text: text.to_owned(),
        sender: event.pdu.sender().to_owned(),
        ts: event.pdu.origin_server_ts(),
        has_url: event.pdu.content().contains_key("url"),
    })
}

fn new_content(edit: &RoomEvent) -> &Object {
    let content = edit.pdu.content();
    let new = content.get("m.new_content").and_then(Value::as_object);
    new.unwrap_or(content)
}

impl Key {
    /// The field of the content that holds it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Name => "name",
            Self::Topic => "topic",
        }
    }

    /// The type of the events that have it.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Body => "m.room.message",
            Self::Name => "m.room.name",
            Self::Topic => "m.room.topic",
        }
    }
}
