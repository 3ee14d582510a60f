//! Invites by way of an identity server: the only authorization rule with a signature in it.

use gantry_model::{Object, RoomVersion, ServerSigningKey, Value};
use gantry_state_res::StateMap;

use crate::room::{Room, object};

const ALICE: &str = "@alice:one";
const GUEST: &str = "@guest:two";

/// A room in which Alice has offered a place to whoever shows the token.
fn room(key: &ServerSigningKey, url_safe: bool) -> (Room, StateMap) {
    let mut room = Room::new(RoomVersion::V11);
    let mut state = StateMap::new();
    room.send(&mut state, (ALICE, "m.room.create", ""), "{}", 1);
    room.member(&mut state, ALICE, ALICE, "join", 2);
    let mut public_key = key.verify_key().to_base64();
    if url_safe {
        public_key = public_key.replace('+', "-").replace('/', "_");
    }
    let offer =
        format!(r#"{{"display_name":"g","public_keys":[{{"public_key":"{public_key}"}}]}}"#);
    let offer_key = (ALICE, "m.room.third_party_invite", "token");
    room.send(&mut state, offer_key, &offer, 3);
    (room, state)
}

fn invite(key: &ServerSigningKey, mxid: &str, token: &str) -> String {
    let mut signed = object(&format!(r#"{{"mxid":"{mxid}","token":"{token}"}}"#));
    key.sign_object("id.example", &mut signed);
    let invite = Object::from([("signed".to_owned(), signed.into())]);
    let content = Object::from([
        ("membership".to_owned(), "invite".into()),
        ("third_party_invite".to_owned(), invite.into()),
    ]);
    String::from_utf8(Value::Object(content).to_bytes()).expect("JSON is text")
}

fn is_allowed(room: &mut Room, state: &StateMap, sender: &str, content: &str) -> bool {
    let key = (sender, "m.room.member", GUEST);
    let rn = room.send(&mut state.clone(), key, content, 4);
    room.allowed(rn, state)
}

#[test]
fn an_invite_with_the_right_signature_is_allowed() {
    for seed in 0..8 {
        let key = ServerSigningKey::from_seed("0", &[seed; 32]);
        let (mut room, state) = room(&key, seed % 2 == 0);

        let content = invite(&key, GUEST, "token");

        assert!(is_allowed(&mut room, &state, ALICE, &content));
    }
}

#[test]
fn an_invite_that_does_not_fit_is_rejected() {
    let key = ServerSigningKey::from_seed("0", &[1; 32]);
    let other = ServerSigningKey::from_seed("0", &[2; 32]);
    let (mut room, state) = room(&key, false);
    room.member(&mut state.clone(), "@eve:one", "@eve:one", "join", 3);

    for (sender, content) in [
        (ALICE, invite(&other, GUEST, "token")),
        (ALICE, invite(&key, "@else:two", "token")),
        (ALICE, invite(&key, GUEST, "no such token")),
        ("@eve:one", invite(&key, GUEST, "token")),
        (
            ALICE,
            r#"{"membership":"invite","third_party_invite":{}}"#.to_owned(),
        ),
        (
            ALICE,
            r#"{"membership":"invite","third_party_invite":7}"#.to_owned(),
        ),
    ] {
        assert!(
            !is_allowed(&mut room, &state, sender, &content),
            "{content}"
        );
    }
}

#[test]
fn a_banned_user_is_not_invited() {
    let key = ServerSigningKey::from_seed("0", &[1; 32]);
    let (mut room, mut state) = room(&key, false);
    room.member(&mut state, ALICE, GUEST, "ban", 3);

    let content = invite(&key, GUEST, "token");

    assert!(!is_allowed(&mut room, &state, ALICE, &content));
}
