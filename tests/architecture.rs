//! The layers: which crate may use which, and who may write rooms.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Each crate and the crates of ours that it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("state_res", &["model"]),
    ("roomgen", &["model", "state_res"]),
    ("store", &["model"]),
    ("outbound", &["model"]),
    ("web", &["model"]),
    ("rooms", &["state_res", "store", "model"]),
    ("accounts", &["store", "model"]),
    ("workspace", &["rooms", "accounts", "store", "model"]),
    ("search", &["rooms", "store", "model"]),
    (
        "delivery",
        &["rooms", "accounts", "store", "outbound", "model"],
    ),
    (
        "federation",
        &["delivery", "rooms", "accounts", "outbound", "web", "model"],
    ),
    (
        "homeserver",
        &[
            "federation",
            "delivery",
            "workspace",
            "search",
            "rooms",
            "accounts",
            "outbound",
            "model",
        ],
    ),
    ("client_api", &["homeserver", "web", "model"]),
    ("rocketchat", &["homeserver", "web", "model"]),
];

/// The crates of ours that a manifest names under `[dependencies]`.
fn dependencies(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(folder)
        .join("Cargo.toml");
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.strip_prefix("gantry-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn no_layer_is_skipped() {
    for (folder, allowed) in ALLOWED {
        for used in dependencies(folder) {
            assert!(
                allowed.contains(&used.as_str()),
                "{folder} may not use {used}"
            );
        }
    }
}

#[test]
fn every_crate_stands_in_the_table() {
    let table: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for entry in fs::read_dir(root).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_crate = root.join(&name).join("Cargo.toml").is_file();
        let is_tool = matches!(name.as_str(), "testkit" | "xtask" | "target");
        assert!(
            !is_crate || is_tool || table.contains_key(name.as_str()),
            "{name} has no layer"
        );
    }
}

/// The Rust sources in a folder, with those of its modules.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// I5: only `commit` makes log entries.
#[test]
fn only_the_commit_writes_the_log() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rooms/src");
    let (commit, others): (Vec<_>, Vec<_>) = sources(&folder).into_iter().partition(|path| {
        *path == folder.join("commit.rs") || path.starts_with(folder.join("commit"))
    });
    let writes = |path: &PathBuf| {
        fs::read_to_string(path)
            .unwrap()
            .contains("insert_stamped(")
    };
    assert!(commit.iter().any(writes));
    let writers: Vec<_> = others.into_iter().filter(writes).collect();
    assert!(writers.is_empty(), "{writers:?} write the log");
}
