//! State resolution beside ruma-state-res, on generated rooms.
//!
//! `cargo bench -p gantry-state_res` prints a table; `-- 2000 500` sets the sizes of the rooms,
//! `STATE_RES_SCENARIO=30` takes only scenarios with that in the name. Both sides start from parsed events
//! in memory and the same states. What ruma wants from its caller, the auth chains and the
//! conflicted subgraph, is computed inside of the measured time; a column of its own has the time
//! with chains that were there already.

mod measure;
#[path = "../../tests/it/ruma_event.rs"]
mod ruma_event;
mod ruma_side;
mod scenario;

use gantry_model::RoomVersion;
use gantry_state_res::resolve;

use measure::{Measured, measure};
use scenario::Scenario;

const SIZES: [usize; 3] = [2_000, 20_000, 100_000];

fn main() {
    let sizes = sizes();
    let chosen = std::env::var("STATE_RES_SCENARIO").unwrap_or_default();
    print(&[
        "scenario",
        "version",
        "members",
        "ours",
        "ours, first",
        "ruma",
        "ratio",
        "ruma, chains given",
        "ratio",
        "ours: allocations",
        "peak",
        "ruma: allocations",
        "peak",
    ]);
    print(&["-"; 13]);
    for version in [RoomVersion::V11, RoomVersion::V12] {
        for &members in &sizes {
            for scenario in scenario::all(version, members)
                .filter(|s| chosen.is_empty() || s.name.contains(&chosen))
            {
                report(&scenario);
            }
        }
    }
    for &members in &[10, 100_000] {
        message(members);
    }
}

fn sizes() -> Vec<usize> {
    let chosen: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    if chosen.is_empty() {
        SIZES.to_vec()
    } else {
        chosen
    }
}

fn report(scenario: &Scenario) {
    let (room, states) = (&scenario.room.memory, &scenario.room.forks);
    let rules = scenario.version.rules();
    // What the allocator put off while the room was made is not ours to pay.
    let settle = || {
        (0..10_000)
            .map(|size| vec![0_u8; size % 3_000])
            .collect::<Vec<_>>()
    };
    drop(std::hint::black_box(settle()));
    let first = measure(1, || (), |()| resolve(rules, states, room));
    let ours = measure(200, || (), |()| resolve(rules, states, room));
    let ruma = ruma_side::Room::new(scenario);
    let theirs = measure(7, || (), |()| ruma.resolve(ruma.chains()));
    ruma_side::assert_same(&ours.last.state, room, &theirs.last);
    let chains = ruma.chains();
    let given = measure(7, || chains.clone(), |chains| ruma.resolve(chains));
    print(&[
        scenario.name,
        scenario.version.as_str(),
        &scenario.members.to_string(),
        &micros(ours.median),
        &micros(first.median),
        &micros(theirs.median),
        &ratio(theirs.median, ours.median),
        &micros(given.median),
        &ratio(given.median, ours.median),
        &ours.allocations.to_string(),
        &kib(&ours),
        &theirs.allocations.to_string(),
        &kib(&theirs),
    ]);
}

/// A message on a single extremity: resolving one state, and the check of the event against it.
fn message(members: usize) {
    let scenario = scenario::message(members);
    let (room, state) = (&scenario.room.memory, &scenario.room.trunk);
    let mut pdus = scenario.room.pdus.iter().rev();
    let pdu = pdus
        .find(|pdu| pdu.state_key().is_none())
        .expect("the room has a message");
    let rules = scenario.version.rules();
    let ours = measure(
        2_000,
        || (),
        |()| {
            let before = resolve(rules, std::slice::from_ref(state), room).state;
            scenario::check(pdu, &before, room)
        },
    );
    print(&[
        "message",
        scenario.version.as_str(),
        &members.to_string(),
        &micros(ours.median),
        "",
        "",
        "",
        "",
        "",
        &ours.allocations.to_string(),
        &kib(&ours),
        "",
        "",
    ]);
}

fn micros(nanos: u64) -> String {
    format!("{}.{:02} µs", nanos / 1_000, nanos % 1_000 / 10)
}

fn ratio(theirs: u64, ours: u64) -> String {
    let tenths = theirs * 10 / ours.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn kib<T>(measured: &Measured<T>) -> String {
    format!("{} KiB", measured.peak_bytes.div_ceil(1024))
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn print(cells: &[&str]) {
    println!("| {} |", cells.join(" | "));
}
