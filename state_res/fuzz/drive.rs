//! What a fuzz input is put through. The first line is a room version, each further line an event.

use std::sync::Arc;

use gantry_model::{Pdu, RoomVersion, canonical_json::parse_object};
use gantry_state_res::{
    AuthEvent, EventSource, MemoryRoom, PowerLevels, StateMap,
    auth::{self, AuthEventRef},
    resolve,
};

/// Must not panic, whatever the input.
pub(crate) fn drive(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let version = lines.next().and_then(|line| str::from_utf8(line).ok());
    let version: RoomVersion = version
        .and_then(|v| v.parse().ok())
        .unwrap_or(RoomVersion::V11);
    let pdus: Vec<Arc<Pdu>> = lines
        .filter_map(|line| Pdu::parse(parse_object(line).ok()?, version).ok())
        .map(Arc::new)
        .collect();
    check_all(&pdus);
    resolve_all(&pdus, version);
}

/// Each event against all others as its state and as its auth events.
fn check_all(pdus: &[Arc<Pdu>]) {
    let state = |kind: &str, key: &str| pdus.iter().find(|pdu| pdu.is_state(kind, key)).cloned();
    let auth_events: Vec<AuthEventRef<'_>> = pdus
        .iter()
        .map(|pdu| AuthEventRef {
            pdu,
            rejected: false,
        })
        .collect();
    let levels = state("m.room.power_levels", "");
    let levels = state("m.room.create", "").map(|c| PowerLevels::of(&c, levels.as_deref()));
    for pdu in pdus {
        // Which verdicts does not matter, only that they are the same when asked again.
        let verdicts = || {
            let by_list = auth::check_auth_events(pdu, &auth_events);
            (auth::check(pdu, &state), by_list)
        };
        assert_eq!(verdicts(), verdicts());
        if let Some(levels) = &levels {
            levels.for_user(pdu.sender());
        }
    }
}

/// Two states of every other event, whether or not these events were ever allowed.
fn resolve_all(pdus: &[Arc<Pdu>], version: RoomVersion) {
    let mut room = MemoryRoom::new();
    let numbers = pdus
        .iter()
        .filter_map(|pdu| room.push(Arc::clone(pdu)).ok());
    let numbers: Vec<_> = numbers.collect();
    let half = |odd: u32| -> StateMap {
        let events = numbers.iter().filter(|rn| *rn % 2 == odd || **rn < 2);
        let entry = |event: &AuthEvent| (event.skid, event.rn);
        events.filter_map(|rn| room.event(*rn).map(entry)).collect()
    };
    let states = [half(0), half(1)];
    let resolved = resolve(version.rules(), &states, &room).state;
    let reversed = [states[1].clone(), states[0].clone()];
    assert_eq!(resolved, resolve(version.rules(), &reversed, &room).state);
}
