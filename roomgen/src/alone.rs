//! Single events, for tests to which the room does not matter.

use gantry_model::{
    Object, Pdu, PduDraft, RoomVersion, ServerSigningKey,
    id::{RoomId, ServerName, UserId},
    pdu::Reference,
};

/// A signed message of version 11 that follows `prev`; no room allows it.
///
/// # Panics
///
/// Where `room` is no room id.
#[must_use]
pub fn message_in(server: &ServerName, room: &str, origin_server_ts: i64, prev: &[&Pdu]) -> Pdu {
    let draft = PduDraft {
        room_id: Some(RoomId::parse(room).expect("a room id")),
        sender: UserId::parse(format!("@a:{server}")).expect("a server's name makes a user id"),
        kind: "m.room.message".to_owned(),
        state_key: None,
        content: Object::new(),
        redacts: None,
        prev_events: prev.iter().map(|pdu| Reference::to(pdu)).collect(),
        auth_events: Vec::new(),
        depth: 1,
        origin_server_ts,
        id_localpart: String::new(),
    };
    let key = ServerSigningKey::from_seed("1", &[1; 32]);
    draft
        .sign(server, &key, RoomVersion::V11.rules())
        .expect("the event is small")
}
