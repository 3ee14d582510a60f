//! The public fixtures of ruma-state-res, read from the source folder of that crate.
//!
//! Their events have readable ids. Ours follow from the content, so every reference is translated,
//! and where ids have to break a tie the depth is chosen so that they come in the same order.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
};

use gantry_model::{Object, Pdu, RoomVersion, Value};
use gantry_state_res::{EventSource, MemoryRoom, Rn, StateMap, resolve};

/// The folder of the crate, asked of cargo once.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--offline"])
            // What other platforms need was perhaps never downloaded.
            .args(["--filter-platform", "host-tuple"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
        let packages = metadata["packages"].as_array().expect("packages");
        let package = packages.iter().find(|p| p["name"] == "ruma-state-res");
        let manifest = package.and_then(|p| p["manifest_path"].as_str());
        Path::new(manifest.expect("ruma-state-res is a dependency"))
            .parent()
            .expect("the manifest is in a folder")
            .join("tests/it/resolve")
    })
}

fn read(file: &str) -> Value {
    let bytes = fs::read(folder().join("fixtures").join(file)).expect("the fixture is there");
    Value::parse(&bytes).expect("the fixture is JSON")
}

/// A room out of fixtures, with the numbers of its events by their readable ids.
struct Fixture {
    version: RoomVersion,
    room: MemoryRoom,
    numbers: BTreeMap<String, Rn>,
    batches: Vec<Vec<Rn>>,
}

impl Fixture {
    fn load(files: &[&str]) -> Self {
        let batches: Vec<Value> = files.iter().map(|file| read(file)).collect();
        let create = batches[0].as_array().expect("a list")[0].as_object();
        let version = create
            .and_then(|create| create["content"].as_object())
            .and_then(|content| content["room_version"].as_str())
            .expect("create events name their version");
        let mut fixture = Self {
            version: version.parse().expect("a known version"),
            room: MemoryRoom::new(),
            numbers: BTreeMap::new(),
            batches: Vec::new(),
        };
        let mut left: Vec<Vec<Object>> = batches.iter().map(objects).collect();
        fixture.batches = vec![Vec::new(); left.len()];
        while left.iter().any(|batch| !batch.is_empty()) {
            for (number, batch) in left.iter_mut().enumerate() {
                batch.retain(|event| match fixture.push(event) {
                    Some(rn) => {
                        fixture.batches[number].push(rn);
                        false
                    }
                    None => true,
                });
            }
        }
        fixture
    }

    /// Adds an event if those to which it refers are there.
    fn push(&mut self, event: &Object) -> Option<Rn> {
        let readable = event["event_id"].as_str()?.to_owned();
        let mut event = event.clone();
        event.remove("event_id");
        for key in ["prev_events", "auth_events"] {
            let ids = event[key].as_array()?.iter();
            let ids = ids.map(|id| {
                let rn = self.numbers.get(id.as_str()?)?;
                Some(self.room.event(*rn)?.pdu.event_id().as_str().into())
            });
            let ids: Option<Vec<Value>> = ids.collect();
            event.insert(key.to_owned(), ids?.into());
        }
        if self.version.rules().room_id_is_create_hash && self.room.create().is_some() {
            let room_id = self.room.events()[0].pdu.room_id().as_str();
            event.insert("room_id", room_id.into());
        }
        let rn = self
            .room
            .push(Arc::new(self.in_order(event, &readable)))
            .ok()?;
        self.numbers.insert(readable, rn);
        Some(rn)
    }

    /// The event with a depth that puts its id, among those of events of the same time, where its
    /// readable id is.
    fn in_order(&self, mut event: Object, readable: &str) -> Pdu {
        let candidates = (1..).map(|depth| {
            event.insert("depth", Value::Int(depth));
            Pdu::parse(event.clone(), self.version).expect("fixtures are events")
        });
        let fits = |pdu: &Pdu| {
            self.numbers.iter().all(|(other_readable, rn)| {
                let other = &self.room.events()[*rn as usize].pdu;
                other.origin_server_ts() != pdu.origin_server_ts()
                    || (other.event_id() < pdu.event_id()) == (other_readable.as_str() < readable)
            })
        };
        candidates.into_iter().find(fits).expect("some depth fits")
    }

    fn state_of(&self, events: &[Rn]) -> StateMap {
        events
            .iter()
            .filter_map(|rn| Some((self.room.event(*rn)?.skid, *rn)))
            .collect()
    }

    fn resolve(&self, states: &[StateMap]) -> StateMap {
        resolve(self.version.rules(), states, &self.room).state
    }

    /// The states after an event, each event on top of the resolved states of those before it.
    fn resolve_along_the_graph(&self) -> StateMap {
        let mut after: Vec<StateMap> = Vec::new();
        let mut is_leaf: Vec<bool> = Vec::new();
        for event in self.room.events() {
            let prev = event.pdu.prev_events().iter();
            let prev: Vec<Rn> = prev.filter_map(|id| self.room.rn(id)).collect();
            let before: Vec<StateMap> = prev.iter().map(|rn| after[*rn as usize].clone()).collect();
            let mut state = self.resolve(&before);
            state.insert(event.skid, event.rn);
            for rn in prev {
                is_leaf[rn as usize] = false;
            }
            after.push(state);
            is_leaf.push(true);
        }
        let leaves: Vec<StateMap> = after
            .into_iter()
            .zip(is_leaf)
            .filter(|(_, is_leaf)| *is_leaf)
            .map(|(state, _)| state)
            .collect();
        self.resolve(&leaves)
    }

    /// The batches one after the other, every event a state of its own.
    fn resolve_in_batches(&self, batches: &[Vec<Rn>]) -> StateMap {
        let mut resolved: Option<StateMap> = None;
        for batch in batches {
            let alone = batch.iter().map(|rn| self.state_of(&[*rn]));
            let states: Vec<StateMap> = resolved.take().into_iter().chain(alone).collect();
            resolved = Some(self.resolve(&states));
        }
        resolved.unwrap_or_default()
    }

    fn readable(&self, state: &StateMap) -> Vec<String> {
        let name = |rn: &Rn| self.numbers.iter().find(|(_, number)| *number == rn);
        let mut names: Vec<String> = state
            .values()
            .filter_map(|rn| Some(name(rn)?.0.clone()))
            .collect();
        names.sort();
        names
    }
}

fn objects(batch: &Value) -> Vec<Object> {
    let events = batch.as_array().expect("fixtures are lists").iter();
    events
        .filter_map(|event| event.as_object().cloned())
        .collect()
}

/// The event ids of a stored result.
fn expected(snapshot: &str) -> Vec<String> {
    let file = folder().join(format!("snapshots/{snapshot}@resolved_state.snap"));
    let text = fs::read_to_string(file).expect("the result is there");
    let json = text.splitn(3, "---").nth(2).expect("results have a head");
    let events = Value::parse(json.as_bytes()).expect("the result is JSON");
    let mut names: Vec<String> = objects(&events)
        .iter()
        .filter_map(|event| event["event_id"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn check_batches(snapshot: &str, files: &[&str]) {
    let fixture = Fixture::load(files);
    let expected = expected(snapshot);
    let all_at_once = [fixture.batches.concat()];

    let along = fixture.resolve_along_the_graph();
    let in_batches = fixture.resolve_in_batches(&fixture.batches);
    let at_once = fixture.resolve_in_batches(&all_at_once);

    assert_eq!(fixture.readable(&along), expected, "along the graph");
    assert_eq!(fixture.readable(&in_batches), expected, "in batches");
    assert_eq!(fixture.readable(&at_once), expected, "at once");
}

fn check_states(snapshot: &str, states: [&str; 2], file: &str) {
    let fixture = Fixture::load(&[file]);
    let states = states.map(|file| {
        let ids = read(file);
        let ids = ids.as_array().expect("a list").iter();
        let numbers: Vec<Rn> = ids
            .filter_map(|id| fixture.numbers.get(id.as_str()?).copied())
            .collect();
        fixture.state_of(&numbers)
    });

    let resolved = fixture.resolve(&states);

    assert_eq!(fixture.readable(&resolved), expected(snapshot));
}

#[test]
fn a_private_chat_is_founded() {
    check_batches("minimal_private_chat", &["bootstrap-private-chat.json"]);
}

#[test]
fn a_public_chat_is_founded() {
    check_batches("minimal_public_chat", &["bootstrap-public-chat.json"]);
}

#[test]
fn the_timestamp_breaks_a_tie() {
    let files = [
        "bootstrap-private-chat.json",
        "origin-server-ts-tiebreak.json",
    ];
    check_batches("origin_server_ts_tiebreak", &files);
}

/// Alice's change against that of another.
fn check_conflict(snapshot: &str, files: &[&str]) {
    let files: Vec<String> = files.iter().map(|file| format!("{file}.json")).collect();
    let mut all = vec!["bootstrap-public-chat.json"];
    all.extend(files.iter().map(String::as_str));
    check_batches(snapshot, &all);
}

#[test]
fn a_ban_wins_over_power_levels() {
    let files = ["ban-vs-power-levels-alice", "ban-vs-power-levels-bob"];
    check_conflict("ban_vs_power_levels", &files);
}

#[test]
fn a_demotion_wins_over_a_topic() {
    let files = ["topic-vs-power-levels-alice", "topic-vs-power-levels-bob"];
    check_conflict("topic_vs_power_levels", &files);
}

#[test]
fn an_admin_wins_over_a_moderator() {
    let files = [
        "power-levels-admin-vs-mod-alice",
        "power-levels-admin-vs-mod-bob",
    ];
    check_conflict("power_levels_admin_vs_mod", &files);
}

#[test]
fn a_ban_wins_over_a_topic() {
    let files = [
        "topic-vs-ban-common",
        "topic-vs-ban-alice",
        "topic-vs-ban-bob",
    ];
    check_conflict("topic_vs_ban", &files);
}

#[test]
fn join_rules_win_over_a_join() {
    let files = [
        "join-rules-vs-join-common",
        "join-rules-vs-join-alice",
        "join-rules-vs-join-ella",
    ];
    check_conflict("join_rules_vs_join", &files);
}

#[test]
fn concurrent_joins_both_stay() {
    let files = ["concurrent-joins-charlie", "concurrent-joins-ella"];
    check_conflict("concurrent_joins", &files);
}

/// The problems of MSC4297, under the old algorithm and the new one.
mod msc4297 {
    use super::check_states;

    const A: [&str; 2] = [
        "MSC4297-problem-A/state-bob.json",
        "MSC4297-problem-A/state-charlie.json",
    ];
    const B: [&str; 2] = [
        "MSC4297-problem-B/state-eve.json",
        "MSC4297-problem-B/state-zara.json",
    ];

    #[test]
    fn problem_a_under_version_2() {
        let snapshot = "msc4297_problem_a_state_res_v2_0";
        check_states(snapshot, A, "MSC4297-problem-A/pdus-v11.json");
    }

    #[test]
    fn problem_a_under_version_2_1() {
        let snapshot = "msc4297_problem_a_state_res_v2_1";
        check_states(snapshot, A, "MSC4297-problem-A/pdus-v12.json");
    }

    #[test]
    fn problem_b_under_version_2() {
        let snapshot = "msc4297_problem_b_state_res_v2_0";
        check_states(snapshot, B, "MSC4297-problem-B/pdus-v11.json");
    }

    #[test]
    fn problem_b_under_version_2_1() {
        let snapshot = "msc4297_problem_b_state_res_v2_1";
        check_states(snapshot, B, "MSC4297-problem-B/pdus-v12.json");
    }
}
