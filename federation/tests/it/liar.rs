//! A server that lies about the state of its rooms.

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use gantry_model::{Object, RoomVersion, Value};
use gantry_rooms::Membership;

use crate::{house::Street, listener::Mode};

/// Fields of answers that hold events.
const EVENTS: [&str; 5] = ["state", "auth_chain", "pdus", "events", "pdu_ids"];

/// The answer with events in it that nobody may believe, beside the true ones.
pub(crate) async fn lie(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let Ok(Value::Object(mut answer)) = Value::parse(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    for field in EVENTS {
        if let Some(Value::Array(events)) = answer.get_mut(field) {
            let lies: Vec<Value> = events
                .iter()
                .filter_map(Value::as_object)
                .flat_map(lies)
                .collect();
            // Before and after, so that the order does not help.
            events.splice(0..0, lies.clone());
            events.extend(lies);
        }
    }
    parts.headers.remove("content-length");
    Response::from_parts(parts, Body::from(Value::Object(answer).to_bytes()))
}

/// What can be made of a true event without its server's key.
fn lies(event: &Object) -> Vec<Value> {
    let with = |key: &str, value: Value| {
        let mut event = event.clone();
        event.insert(key.to_owned(), value);
        Value::Object(event)
    };
    let intruder = "@eve:127.0.0.1:1";
    let content = Object::from([("membership".to_owned(), "join".into())]);
    vec![
        with("content", content.clone().into()),
        with("state_key", intruder.into()),
        with("sender", intruder.into()),
        with("depth", i64::from(i32::MAX).into()),
        with("depth", (-1).into()),
        with("room_id", "!other:127.0.0.1".into()),
        with("prev_events", vec!["$x".into(); 1_000].into()),
        with(
            "auth_events",
            vec![format!("${}", "B".repeat(43)).into()].into(),
        ),
        with("origin_server_ts", Value::Null),
        with("type", "m.room.power_levels".into()),
        Value::Null,
        7.into(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_truth_is_taken_from_a_liar() {
    for version in [RoomVersion::V2, RoomVersion::V11, RoomVersion::V12] {
        let street = Street::new();
        let (a, b) = (street.house().await, street.house().await);
        let (anna, ben) = (a.user("anna").await, b.user("ben").await);
        let room = a.public_room(version, &anna).await;
        for number in 0..30 {
            a.say(&room, &anna, &number.to_string()).await;
        }
        a.switch.set(Mode::Lie);

        b.join(&room, &ben, &a).await;
        a.sees_membership(&room, &ben, Membership::Join).await;
        let text = a.say(&room, &anna, "trust me").await;
        b.receives(&room, &text).await;
        b.calls.backfill(&room, &[text], 20).await.ok();

        let ids = |house: &crate::house::House| {
            let (rooms, room) = (house.rooms.clone(), room.clone());
            async move {
                let view = rooms.get(&room).await.unwrap();
                let state = view.full_state();
                let mut all: Vec<(String, Object)> = state
                    .iter()
                    .map(|pdu| (pdu.event_id().to_string(), pdu.content().clone()))
                    .collect();
                all.sort_by(|one, other| one.0.cmp(&other.0));
                all
            }
        };
        assert_eq!(ids(&a).await, ids(&b).await, "{version:?}");
        a.close().await;
        b.close().await;
    }
}
