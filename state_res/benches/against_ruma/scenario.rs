//! The rooms in which both sides compete.

use std::sync::Arc;

use gantry_model::{Pdu, RoomVersion};
use gantry_roomgen::{Fork, Generated, Params, Signing, generate};
use gantry_state_res::{EventSource, MemoryRoom, StateMap, auth};

/// A room with branches.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) version: RoomVersion,
    pub(crate) members: usize,
    pub(crate) room: Generated,
}

/// All rooms with forks: each member has joined and, on average, changed the name once; there were
/// two hundred changes of the power levels.
pub(crate) fn all(version: RoomVersion, members: usize) -> impl Iterator<Item = Scenario> {
    let twenty_changes = Fork {
        power_level_changes: 1,
        profile_changes: 19,
        ..Fork::default()
    };
    let one_change = Fork {
        profile_changes: 1,
        ..Fork::default()
    };
    let joins = Fork {
        joins: 2_000,
        ..Fork::default()
    };
    let ban_wave = Fork {
        bans: 200,
        ..Fork::default()
    };
    [
        (
            "fork of 20/20",
            vec![twenty_changes.clone(), twenty_changes],
        ),
        ("30 extremities", vec![one_change; 30]),
        ("2,000 joins against 200 bans", vec![joins, ban_wave]),
    ]
    .into_iter()
    .map(move |(name, forks)| Scenario {
        name,
        version,
        members,
        room: room(version, members, forks),
    })
}

/// A room without branches.
pub(crate) fn message(members: usize) -> Scenario {
    let version = RoomVersion::V11;
    Scenario {
        name: "message",
        version,
        members,
        room: room(version, members, Vec::new()),
    }
}

fn room(version: RoomVersion, members: usize, forks: Vec<Fork>) -> Generated {
    generate(&Params {
        version,
        members,
        servers: 50,
        power_level_changes: 200,
        profile_changes: members,
        messages: 1,
        restricted_joins: 0,
        bans: 0,
        forks,
        signing: Signing::Unsigned,
        ..Params::default()
    })
}

/// The check that every message goes through.
pub(crate) fn check(pdu: &Pdu, state: &StateMap, room: &MemoryRoom) -> bool {
    let lookup = |kind: &str, key: &str| {
        let rn = state.get(&room.skid(kind, key)?)?;
        Some(Arc::clone(&room.event(*rn)?.pdu))
    };
    auth::check(pdu, &lookup).is_ok()
}
