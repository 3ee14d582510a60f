//! Mistakes that were made elsewhere. Each test fails if we make them too.

use gantry_model::RoomVersion;
use gantry_state_res::{Rn, StateMap};

use crate::room::{Draft, Room, object};

const ALICE: &str = "@alice:one";
const BOB: &str = "@bob:two";

/// A public room with Alice, and with Bob at level 50.
fn room(version: RoomVersion) -> (Room, StateMap) {
    let mut room = Room::new(version);
    let mut state = StateMap::new();
    room.send(&mut state, (ALICE, "m.room.create", ""), "{}", 1);
    room.member(&mut state, ALICE, ALICE, "join", 2);
    levels(&mut room, &mut state, 50, 3);
    let public = r#"{"join_rule":"public"}"#;
    room.send(&mut state, (ALICE, "m.room.join_rules", ""), public, 4);
    room.member(&mut state, BOB, BOB, "join", 5);
    (room, state)
}

fn levels(room: &mut Room, state: &mut StateMap, bob: i64, ts: i64) -> Rn {
    let alice = if room.rules().privileged_creators {
        ""
    } else {
        r#""@alice:one":100,"#
    };
    let content = format!(r#"{{"users":{{{alice}"{BOB}":{bob}}}}}"#);
    room.send(state, (ALICE, "m.room.power_levels", ""), &content, ts)
}

/// A key that only some states have is conflicted: its event has to pass the checks.
#[test]
fn a_key_that_is_missing_in_one_state_is_conflicted() {
    let (mut room, state) = room(RoomVersion::V11);
    let (mut left, mut right) = (state.clone(), state.clone());
    room.member(&mut left, ALICE, BOB, "ban", 20);
    room.send(&mut right, (BOB, "x.only_here", ""), "{}", 10);

    let resolved = room.resolve(&[left, right]);

    assert_eq!(room.get(&resolved, "x.only_here", ""), None);
}

/// What the states agree on is in the result, even if no check would let it in.
#[test]
fn agreed_entries_are_laid_over_the_result() {
    for version in [RoomVersion::V11, RoomVersion::V12] {
        let (mut room, mut state) = room(version);
        let agreed = room.send(&mut state, ("@nobody:one", "m.room.topic", ""), "{}", 6);
        let (mut left, mut right) = (state.clone(), state.clone());
        room.member(&mut left, "@x:one", "@x:one", "join", 10);
        room.member(&mut right, "@y:one", "@y:one", "join", 10);

        let resolved = room.resolve(&[left, right]);

        assert_eq!(room.get(&resolved, "m.room.topic", ""), Some(agreed));
    }
}

/// Events that cite no power levels come before those that cite the oldest ones, so they lose.
#[test]
fn events_without_power_levels_are_older_than_the_mainline() {
    let (mut room, state) = room(RoomVersion::V11);
    let (mut left, mut right) = (state.clone(), state.clone());
    let cites_levels = room.send(&mut left, (ALICE, "m.room.topic", ""), "{}", 10);
    let mut auth = room.select(&state, "m.room.topic", ALICE, "", &object("{}"));
    auth.retain(|rn| room.event(*rn).pdu.kind() != "m.room.power_levels");
    let later = room.push(&Draft {
        sender: ALICE,
        kind: "m.room.topic",
        state_key: "",
        content: object("{}"),
        ts: 99,
        depth: 9,
        prev: Vec::new(),
        auth,
    });
    right.insert(room.event(later).skid, later);

    let resolved = room.resolve(&[left, right]);

    assert_eq!(room.get(&resolved, "m.room.topic", ""), Some(cites_levels));
}

/// All events in the chain of a power event come with it, not only power events: Carol's join has
/// to be replayed before her ban of Bob, though it is no power event.
#[test]
fn the_chain_of_a_power_event_comes_along_whole() {
    for version in [RoomVersion::V6, RoomVersion::V11, RoomVersion::V12] {
        let carol = "@carol:one";
        let (mut room, state) = room(version);
        let mut left = state.clone();
        levels(&mut room, &mut left, 50, 10);
        let alice = if version.rules().privileged_creators {
            ""
        } else {
            r#""@alice:one":100,"#
        };
        let content = format!(r#"{{"users":{{{alice}"{carol}":75,"{BOB}":50}}}}"#);
        room.send(&mut left, (ALICE, "m.room.power_levels", ""), &content, 11);
        room.member(&mut left, carol, carol, "join", 12);
        let ban = room.member(&mut left, carol, BOB, "ban", 13);
        let mut right = state.clone();
        room.send(&mut right, (BOB, "m.room.topic", ""), "{}", 9);

        let resolved = room.resolve(&[left, right]);

        assert_eq!(
            room.get(&resolved, "m.room.member", BOB),
            Some(ban),
            "{version}"
        );
        assert_eq!(room.get(&resolved, "m.room.topic", ""), None, "{version}");
    }
}

/// A rejected event authorizes nothing, wherever it is cited.
#[test]
fn a_rejected_event_authorizes_nothing() {
    let eve = "@eve:four";
    let (mut room, state) = room(RoomVersion::V11);
    let content = r#"{"users":{"@eve:four":100}}"#;
    let rejected = room.push_rejected(&Draft {
        sender: BOB,
        kind: "m.room.power_levels",
        state_key: "",
        content: object(content),
        ts: 10,
        depth: 9,
        prev: Vec::new(),
        auth: room.select(&state, "m.room.power_levels", BOB, "", &object(content)),
    });
    let (mut left, mut right) = (state.clone(), state);
    room.member(&mut left, "@x:one", "@x:one", "join", 10);
    room.member(&mut right, eve, eve, "join", 11);
    let mut believed = right.clone();
    believed.insert(room.event(rejected).skid, rejected);
    let auth = room.select(&believed, "m.room.topic", eve, "", &object("{}"));
    let topic = room.push(&Draft {
        sender: eve,
        kind: "m.room.topic",
        state_key: "",
        content: object("{}"),
        ts: 12,
        depth: 10,
        prev: Vec::new(),
        auth,
    });
    right.insert(room.event(topic).skid, topic);

    let resolved = room.resolve(&[left, right]);

    assert_eq!(room.get(&resolved, "m.room.topic", ""), None);
}

/// The conflicted subgraph is made of whole paths, of more than one step. Both states agree on
/// everything but the levels: one has the oldest, the other the newest, three changes apart.
#[test]
fn the_conflicted_subgraph_has_paths_of_any_length() {
    let (mut room, state) = room(RoomVersion::V12);
    let mut ahead = state.clone();
    for (ts, level) in [(10, 51), (11, 52), (12, 53)] {
        levels(&mut room, &mut ahead, level, ts);
    }
    let newest = room.get(&ahead, "m.room.power_levels", "");

    let resolved = room.resolve(&[state, ahead]);

    assert_eq!(room.get(&resolved, "m.room.power_levels", ""), newest);
}

/// Rooms before version 12 are resolved with version 2: what fell back then falls back.
#[test]
fn version_2_1_is_not_used_in_older_rooms() {
    use gantry_model::room_version::StateResolution;
    for version in &RoomVersion::ALL[1..11] {
        assert_eq!(
            version.rules().state_resolution,
            StateResolution::V2,
            "{version}"
        );
    }
}

/// A join without any join rules in sight: invited users may come, others not.
#[test]
fn without_join_rules_a_room_is_for_invited_users() {
    let mut room = Room::new(RoomVersion::V11);
    let mut state = StateMap::new();
    room.send(&mut state, (ALICE, "m.room.create", ""), "{}", 1);
    room.member(&mut state, ALICE, ALICE, "join", 2);
    let before = state.clone();
    let uninvited = room.member(&mut state.clone(), BOB, BOB, "join", 3);
    room.member(&mut state, ALICE, BOB, "invite", 3);
    let invited = room.member(&mut state.clone(), BOB, BOB, "join", 4);

    assert!(!room.allowed(uninvited, &before));
    assert!(room.allowed(invited, &state));
}

/// A member's join that both states have, and only one of them cites, is no part of the difference:
/// else it would be replayed as of before his power was raised, and his kick would come after the
/// later one.
#[test]
fn what_both_states_hold_is_not_replayed() {
    for version in [RoomVersion::V6, RoomVersion::V11] {
        let carol = "@carol:one";
        let (mut room, mut state) = room(version);
        room.member(&mut state, carol, carol, "join", 6);
        levels(&mut room, &mut state, 100, 7);
        let (mut left, mut right) = (state.clone(), state.clone());
        room.member(&mut left, BOB, carol, "leave", 10);
        let later = room.member(&mut right, ALICE, carol, "leave", 20);

        let resolved = room.resolve(&[left, right]);

        let result = room.get(&resolved, "m.room.member", carol);
        assert_eq!(result, Some(later), "{version}");
    }
}
