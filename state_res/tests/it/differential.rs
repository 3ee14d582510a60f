//! Random rooms: we, the specification word by word, and ruma must come to the same state.
//!
//! `STATE_RES_CASES` sets how many rooms (20,000 if unset), `STATE_RES_SEED` where to begin.

use std::thread;

use gantry_model::RoomVersion;
use gantry_state_res::{
    AuthDag, AuthEvent, EventSource, MemoryRoom, Rn, Skid, StateMap,
    auth::{AuthEventRef, check_auth_events},
    resolve,
};

use crate::{
    generator::{self, Case},
    literal, ruma_oracle,
};

const DEFAULT_CASES: u64 = 20_000;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// Runs a check on all seeds, on two threads.
fn for_all_cases(share: u64, check: impl Fn(u64) + Sync) {
    let cases = number("STATE_RES_CASES", DEFAULT_CASES) / share;
    let first = number("STATE_RES_SEED", 1);
    let check = &check;
    thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                (first..first + cases)
                    .filter(|seed| seed % 2 == half)
                    .for_each(check);
            });
        }
    });
}

fn version_of(seed: u64) -> RoomVersion {
    // Every fourth room has version 12, every eighth version 1.
    match seed % 8 {
        0 | 4 => RoomVersion::V12,
        1 => RoomVersion::V1,
        _ => RoomVersion::ALL[1 + (seed / 8 % 10) as usize],
    }
}

#[test]
fn all_oracles_agree() {
    for_all_cases(1, |seed| {
        let version = version_of(seed);
        let Case { room, states } = generator::case(version, seed);

        let ours = room.named(&room.resolve(&states));

        let literal = literal::resolve(&room, &literal::events(&room), &states);
        assert_eq!(
            ours, literal,
            "specification, version {version}, seed {seed}"
        );
        if version != RoomVersion::V1 {
            let ruma = ruma_oracle::resolve(&room, &states);
            assert_eq!(ours, ruma, "ruma, version {version}, seed {seed}");
        }
    });
}

#[test]
fn the_authorization_rules_are_those_of_ruma() {
    for_all_cases(4, |seed| {
        let version = RoomVersion::ALL[(seed % 12) as usize];
        let Case { room, states } = generator::case(version, seed);
        let state = &states[0];
        let has_rules = room.get(state, "m.room.join_rules", "").is_some();
        for event in room.memory.events().iter().skip(1) {
            if event.pdu.kind() == "m.room.member" && !has_rules {
                continue;
            }
            let auth_events: Vec<AuthEventRef<'_>> = event
                .auth
                .iter()
                .map(|rn| room.event(*rn))
                .map(|auth| AuthEventRef {
                    pdu: &auth.pdu,
                    rejected: auth.rejected,
                })
                .collect();

            let by_state = room.allowed(event.rn, state);
            let by_list = check_auth_events(&event.pdu, &auth_events).is_ok();

            let ruma = ruma_oracle::verdict(&room, event, state);
            assert_eq!((by_state, by_list), ruma, "event {}, seed {seed}", event.rn);
        }
    });
}

#[test]
fn the_order_of_the_states_and_of_the_numbers_makes_no_difference() {
    for_all_cases(10, |seed| {
        let Case { room, states } = generator::case(version_of(seed), seed);
        let expected = room.resolve(&states);

        let mut reversed = states.clone();
        reversed.reverse();
        reversed.push(states[0].clone());
        assert_eq!(room.resolve(&reversed), expected, "reversed, seed {seed}");

        let unshared: Vec<StateMap> = states
            .iter()
            .map(|state| state.iter().map(|(skid, rn)| (*skid, *rn)).collect())
            .collect();
        assert_eq!(room.resolve(&unshared), expected, "unshared, seed {seed}");

        let (other, renumbered) = renumber(&room.memory, &states);
        let resolved = resolve(room.rules(), &renumbered, &other).state;
        let names = |memory: &MemoryRoom, state: &StateMap| {
            let mut ids: Vec<String> = state
                .values()
                .filter_map(|rn| memory.event(*rn))
                .map(|event| event.pdu.event_id().to_string())
                .collect();
            ids.sort();
            ids
        };
        assert_eq!(
            names(&other, &resolved),
            names(&room.memory, &expected),
            "seed {seed}"
        );
    });
}

/// The same room in another order that respects auth events, so that other keys come first.
fn renumber(memory: &MemoryRoom, states: &[StateMap]) -> (MemoryRoom, Vec<StateMap>) {
    let mut other = MemoryRoom::new();
    let mut left: Vec<&AuthEvent> = memory.events().iter().rev().collect();
    while !left.is_empty() {
        left.retain(|event| {
            let pdu = event.pdu.clone();
            let pushed = if event.rejected {
                other.push_rejected(pdu)
            } else {
                other.push(pdu)
            };
            pushed.is_err()
        });
    }
    let states = states
        .iter()
        .map(|state| {
            let pairs = state.values().filter_map(|rn| {
                let rn = other.rn(memory.event(*rn)?.pdu.event_id())?;
                Some((other.event(rn)?.skid, rn))
            });
            pairs.collect()
        })
        .collect();
    (other, states)
}

/// A source that lost an event, and keeps no flat arrays.
struct Lossy<'a> {
    memory: &'a MemoryRoom,
    lost: Option<Rn>,
}

impl EventSource for Lossy<'_> {
    fn event(&self, rn: Rn) -> Option<&AuthEvent> {
        self.memory.event(rn).filter(|_| Some(rn) != self.lost)
    }

    fn skid(&self, kind: &str, state_key: &str) -> Option<Skid> {
        self.memory.skid(kind, state_key)
    }

    fn create(&self) -> Option<Rn> {
        self.memory.create()
    }

    fn dag(&self) -> Option<&AuthDag> {
        None
    }
}

#[test]
fn a_lost_event_and_missing_arrays_are_as_the_specification_has_it() {
    for_all_cases(10, |seed| {
        let version = version_of(seed);
        if version == RoomVersion::V1 {
            return;
        }
        let Case { room, states } = generator::case(version, seed);
        let complete = Lossy {
            memory: &room.memory,
            lost: None,
        };
        let without_arrays = resolve(room.rules(), &states, &complete).state;
        assert_eq!(
            without_arrays,
            room.resolve(&states),
            "no arrays, seed {seed}"
        );

        let count = room.memory.events().len() as u64;
        let lost = (1 + seed % (count - 1)) as Rn;
        let mut events = literal::events(&room);
        events.remove(room.event(lost).pdu.event_id().as_str());
        let lossy = Lossy {
            memory: &room.memory,
            lost: Some(lost),
        };
        let ours = resolve(room.rules(), &states, &lossy).state;
        let literal = literal::resolve(&room, &events, &states);
        assert_eq!(
            room.named(&ours),
            literal,
            "lost {lost}, version {version}, seed {seed}"
        );
    });
}
