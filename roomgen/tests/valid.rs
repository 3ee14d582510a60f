//! Generated rooms are valid in every version: each event has the auth events of the selection, is
//! allowed in the state before it, and carries the signatures that it needs.

use std::{collections::HashMap, sync::Arc};

use gantry_model::{
    Pdu, RoomVersion,
    hash::content_hash_matches,
    id::{EventId, OwnedEventId},
};
use gantry_roomgen::{Fork, Generated, Merge, Params, generate, key_of};
use gantry_state_res::{
    EventSource, StateMap,
    auth::{self, AuthEventRef},
    resolve,
};

fn params(version: RoomVersion) -> Params {
    let fork = Fork {
        power_level_changes: 1,
        bans: 2,
        joins: 2,
        profile_changes: 3,
        topics: 1,
        messages: 1,
        attacks: 0,
    };
    let attack = Fork {
        attacks: 5,
        ..Fork::default()
    };
    Params {
        version,
        members: 20,
        servers: 3,
        forks: vec![fork.clone(), fork, attack],
        merge: Merge::Yes,
        ..Params::default()
    }
}

/// Replays a room as a server would, and returns the state in the end.
fn replay(room: &Generated, seed: u64) -> StateMap {
    let by_id: HashMap<OwnedEventId, &Arc<Pdu>> = room
        .pdus
        .iter()
        .map(|pdu| (pdu.event_id().to_owned(), pdu))
        .collect();
    let mut after: HashMap<&EventId, StateMap> = HashMap::new();
    let mut last = StateMap::new();
    for pdu in &room.pdus {
        let before: Vec<StateMap> = pdu
            .prev_events()
            .iter()
            .map(|id| after[&**id].clone())
            .collect();
        let mut state = resolve(pdu.rules(), &before, &room.memory).state;
        check(pdu, &state, room, &by_id);
        check_signatures(pdu, seed);
        if let Some(event) = room
            .memory
            .rn(pdu.event_id())
            .and_then(|rn| room.memory.event(rn))
        {
            state.insert(event.skid, event.rn);
        }
        last.clone_from(&state);
        after.insert(pdu.event_id(), state);
    }
    last
}

fn check(pdu: &Pdu, state: &StateMap, room: &Generated, by_id: &HashMap<OwnedEventId, &Arc<Pdu>>) {
    let auth_events: Vec<AuthEventRef<'_>> = pdu
        .auth_events()
        .iter()
        .map(|id| AuthEventRef {
            pdu: by_id[id],
            rejected: false,
        })
        .collect();
    auth::check_auth_events(pdu, &auth_events).expect("the auth events are right");
    let lookup = |kind: &str, key: &str| {
        let rn = if kind == "m.room.create" {
            room.memory.create()
        } else {
            state.get(&room.memory.skid(kind, key)?).copied()
        };
        Some(Arc::clone(&room.memory.event(rn?)?.pdu))
    };
    auth::check(pdu, &lookup).expect("the event is allowed");
}

fn check_signatures(pdu: &Pdu, seed: u64) {
    assert!(content_hash_matches(pdu.object()));
    for server in pdu.required_signers() {
        let key = key_of(seed, &server);
        key.verify_key()
            .verify_event(server.as_str(), key.id(), pdu.object(), pdu.rules())
            .expect("the event is signed");
    }
}

#[test]
fn rooms_of_all_versions_are_valid() {
    for version in RoomVersion::ALL {
        let params = params(version);

        let room = generate(&params);
        let end = replay(&room, params.seed);

        assert_eq!(Some(end), room.merged, "{version}");
        assert!(room.pdus.len() > 60, "{version}");
    }
}

#[test]
fn servers_can_be_addresses() {
    let params = Params {
        servers: 256,
        members: 256,
        loopback_port: Some(8448),
        ..Params::default()
    };

    let room = generate(&params);

    assert!(
        room.pdus[0]
            .room_id()
            .as_str()
            .ends_with(":127.60.0.1:8448")
    );
    let mut servers: Vec<&str> = room
        .pdus
        .iter()
        .map(|pdu| pdu.sender().server_name().as_str())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    assert_eq!(servers.len(), 256);
    assert!(servers.contains(&"127.60.0.254:8448") && servers.contains(&"127.60.1.2:8448"));
    for pdu in &room.pdus {
        check_signatures(pdu, params.seed);
    }
}

#[test]
fn the_same_parameters_give_the_same_bytes() {
    let bytes = |seed: u64| {
        let params = Params {
            seed,
            ..params(RoomVersion::V12)
        };
        let mut out = Vec::new();
        generate(&params).write_jsonl(&mut out).unwrap();
        out
    };

    assert_eq!(bytes(7), bytes(7));
    assert_ne!(bytes(7), bytes(8));
}
