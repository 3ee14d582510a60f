use proptest::prelude::*;

use super::*;
use crate::canonical_json::parse_object;

fn key() -> ServerSigningKey {
    ServerSigningKey::from_seed("a", &[7; 32])
}

fn draft() -> PduDraft {
    PduDraft {
        room_id: Some(RoomId::parse("!room:one").unwrap()),
        sender: UserId::parse("@alice:one").unwrap(),
        kind: "m.room.message".to_owned(),
        state_key: None,
        content: parse_object(br#"{"body":"hello"}"#).unwrap(),
        redacts: None,
        prev_events: vec![Reference {
            event_id: EventId::parse("$a:one").unwrap(),
            hash: [1; 32],
        }],
        auth_events: vec![],
        depth: 5,
        origin_server_ts: 1000,
        id_localpart: "x".to_owned(),
    }
}

fn server() -> OwnedServerName {
    ServerName::parse("one").unwrap()
}

#[test]
fn a_drafted_event_is_the_same_after_its_bytes_are_parsed() {
    for version in RoomVersion::ALL {
        let pdu = draft().sign(&server(), &key(), version.rules()).unwrap();

        let parsed = Pdu::parse(parse_object(&pdu.to_bytes()).unwrap(), version).unwrap();

        assert_eq!(parsed, pdu);
        assert!(hash::content_hash_matches(pdu.object()));
        let verify_key = key().verify_key();
        assert_eq!(
            verify_key.verify_event("one", "ed25519:a", pdu.object(), version.rules()),
            Ok(())
        );
    }
}

#[test]
fn redaction_keeps_the_id_and_the_signature() {
    for version in RoomVersion::ALL {
        let pdu = draft().sign(&server(), &key(), version.rules()).unwrap();

        let redacted = pdu.redacted();

        assert!(redacted.content().is_empty());
        assert_eq!(
            Pdu::parse(redacted.object().clone(), version)
                .unwrap()
                .event_id(),
            pdu.event_id()
        );
        assert!(
            key()
                .verify_key()
                .verify_event("one", "ed25519:a", redacted.object(), version.rules())
                .is_ok()
        );
    }
}

#[test]
fn the_id_follows_the_format_of_the_version() {
    let id = |version: RoomVersion| {
        draft()
            .sign(&server(), &key(), version.rules())
            .unwrap()
            .event_id()
            .to_string()
    };

    assert_eq!(id(RoomVersion::V2), "$x:one");
    assert_eq!(id(RoomVersion::V3).len(), 44);
    assert!(!id(RoomVersion::V4).contains(['+', '/']));
}

#[test]
fn a_create_event_of_version_12_is_its_room() {
    let mut create = draft();
    create.room_id = None;
    create.kind = "m.room.create".to_owned();
    create.state_key = Some(String::new());

    let pdu = create
        .sign(&server(), &key(), RoomVersion::V12.rules())
        .unwrap();

    assert_eq!(pdu.room_id().as_str()[1..], pdu.event_id().as_str()[1..]);
    create.room_id = Some(RoomId::parse("!room:one").unwrap());
    assert_eq!(
        create.sign(&server(), &key(), RoomVersion::V12.rules()),
        Err(PduError::Field("room_id"))
    );
}

#[test]
fn an_event_of_65_536_bytes_is_refused() {
    let mut large = draft();
    large
        .content
        .insert("body", "x".repeat(MAX_PDU_BYTES).into());

    assert_eq!(
        large.sign(&server(), &key(), RoomVersion::V11.rules()),
        Err(PduError::TooLarge)
    );
}

#[test]
fn fractions_are_refused_from_version_6_on() {
    let mut fraction = draft();
    fraction.content = parse_object(br#"{"x":1.5}"#).unwrap();

    assert!(
        fraction
            .sign(&server(), &key(), RoomVersion::V5.rules())
            .is_ok()
    );
    assert_eq!(
        fraction.sign(&server(), &key(), RoomVersion::V6.rules()),
        Err(PduError::Number)
    );
}

#[test]
fn a_restricted_join_needs_the_signature_of_the_authorizing_server() {
    let mut join = draft();
    join.kind = "m.room.member".to_owned();
    join.state_key = Some("@alice:one".to_owned());
    join.content =
        parse_object(br#"{"membership":"join","join_authorised_via_users_server":"@bob:two"}"#)
            .unwrap();

    let signers = |version: RoomVersion| {
        join.sign(&server(), &key(), version.rules())
            .unwrap()
            .required_signers()
            .len()
    };

    assert_eq!(signers(RoomVersion::V7), 1);
    assert_eq!(signers(RoomVersion::V8), 2);
}

proptest! {
    #[test]
    fn any_object_is_a_pdu_or_refused(
        keys in prop::collection::btree_map(
            prop_oneof![
                Just("type"), Just("sender"), Just("room_id"), Just("content"), Just("depth"),
                Just("prev_events"), Just("auth_events"), Just("origin_server_ts"), Just("state_key"),
                Just("event_id"), Just("redacts"), Just("hashes"), Just("signatures")
            ],
            prop_oneof![
                Just(Value::Null), Just(Value::Int(1)), Just(Value::Int(-1)), Just("@a:b".into()),
                Just("!a:b".into()), Just("$a:b".into()), Just(Value::Array(vec![])),
                Just(Value::Object(Object::new())), Just("m.room.create".into()),
                Just(Value::Array(vec![Value::Array(vec![])]))
            ],
            0..13),
        version in prop::sample::select(RoomVersion::ALL.to_vec()),
    ) {
        let object: Object = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        if let Ok(pdu) = Pdu::parse(object, version) {
            prop_assert_eq!(Pdu::parse(pdu.object().clone(), version).unwrap(), pdu);
        }
    }
}
