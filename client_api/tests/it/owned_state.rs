//! State whose key is a user's, in the room versions of MSC3757 and in others.

use serde_json::{Value, json};

use crate::harness::Server;

const SUFFIX: &str = "_state_key_suffix:!@%23$123";

/// What the administrator and a user get for state keys, by the room's version.
async fn answers(version: &str, keys: &[(&str, &str)]) -> Vec<(u16, String)> {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    server.user("carol", false).await;
    let wish = json!({
        "room_version": version, "preset": "public_chat",
        "power_level_content_override": {"events": {"com.example.test": 0}},
    });
    let room = server.room(&alice, wish).await;
    server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await
        .ok();
    let mut answers = Vec::new();
    for (who, key) in keys {
        let token = if *who == "alice" { &alice } else { &bob };
        let path = format!("v3/rooms/{room}/state/com.example.test/{key}");
        let answer = server
            .put(&path, token, Value::Object(Default::default()))
            .await;
        let (status, code) = answer.error();
        answers.push((status, code.to_owned()));
    }
    answers
}

#[tokio::test]
async fn owners_and_those_above_them_set_owned_state() {
    let own = format!("@bob:server{SUFFIX}");
    let others = format!("@carol:server{SUFFIX}");
    let unseparated = format!("@alice:server@{}", &SUFFIX[1..]);
    let keys = [
        ("bob", &*own),
        ("alice", "@bob:server"),
        ("alice", &own),
        ("alice", "@nobody:elsewhere"),
        ("bob", "@carol:server"),
        ("bob", &others),
        ("alice", "@oops"),
        ("alice", &unseparated),
    ];
    let (ok, no, bad) = ((200, ""), (403, "M_FORBIDDEN"), (400, "M_BAD_JSON"));

    for version in ["org.matrix.msc3757.10", "org.matrix.msc3757.11"] {
        let got = answers(version, &keys).await;
        let got: Vec<_> = got
            .iter()
            .map(|(status, code)| (*status, &**code))
            .collect();
        assert_eq!(got, [ok, ok, ok, ok, no, no, bad, bad], "{version}");
    }
}

#[tokio::test]
async fn elsewhere_such_state_is_nobody_elses() {
    let own = format!("@alice:server{SUFFIX}");
    let keys = [
        ("bob", "@bob:server"),
        ("alice", &*own),
        ("alice", "@bob:server"),
        ("alice", "@oops"),
    ];
    let (ok, no) = ((200, ""), (403, "M_FORBIDDEN"));

    let got = answers("11", &keys).await;

    let got: Vec<_> = got
        .iter()
        .map(|(status, code)| (*status, &**code))
        .collect();
    assert_eq!(got, [ok, no, no, no]);
}

#[tokio::test]
async fn capabilities_name_these_versions_unstable() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;

    let answer = server.get("v3/capabilities", &alice).await.ok();

    let available = &answer["capabilities"]["m.room_versions"]["available"];
    assert_eq!(available["org.matrix.msc3757.10"], "unstable");
    assert_eq!(available["11"], "stable");
}
