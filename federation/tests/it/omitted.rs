//! Joins that leave the members out.

use gantry_model::{Object, Pdu, RoomVersion, Value, hash::set_content_hash};
use gantry_rooms::NewEvent;
use http::{Method, StatusCode};

use crate::{
    hostile::authorization,
    house::{Street, object},
};

fn kinds_and_keys(answer: &Object, field: &str) -> Vec<(String, String)> {
    let events = answer[field].as_array().unwrap().iter();
    events
        .map(|event| {
            let pdu = Pdu::parse(event.as_object().unwrap().clone(), RoomVersion::V11).unwrap();
            let key = pdu.state_key().unwrap_or_default().to_owned();
            (pdu.kind().to_owned(), key)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_do_without_members_gets_few() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    for number in 0..20 {
        let user = a.user(&format!("user{number}")).await;
        a.set_member(&room, &user, &user, "join").await;
    }
    let name = object(r#"{"name":"Garden"}"#);
    let name = NewEvent::state(anna.clone(), "m.room.name", "", name);
    a.rooms.submit(&room, name).await.unwrap();
    let path = format!("/_matrix/federation/v1/make_join/{room}/{ben}?ver=11");
    let header = authorization("GET", &b, &a, &path, &Object::new());
    let (_, template) = street
        .send(Method::GET, &a, &path, None, Some(&header))
        .await;
    let mut join = template.as_object().unwrap()["event"]
        .as_object()
        .unwrap()
        .clone();
    join.insert("origin_server_ts".to_owned(), b.clock.now_ms().into());
    set_content_hash(&mut join);
    b.key
        .sign_event(b.name.as_str(), &mut join, RoomVersion::V11.rules());
    let id = Pdu::parse(join.clone(), RoomVersion::V11).unwrap();
    let id = id.event_id();

    let path = format!("/_matrix/federation/v2/send_join/{room}/{id}?omit_members=true");
    let (status, answer) = street.request(&b, &a, &path, join, None).await;

    assert_eq!(status, StatusCode::OK);
    let answer = answer.as_object().unwrap();
    assert_eq!(answer["members_omitted"], Value::Bool(true));
    let servers = answer["servers_in_room"].as_array().unwrap();
    assert_eq!(servers, [Value::from(a.name.as_str())]);
    let state = kinds_and_keys(answer, "state");
    assert!(state.iter().all(|(kind, _)| kind != "m.room.member"));
    assert!(state.iter().any(|(kind, _)| kind == "m.room.name"));
    // Whoever authorized something is in the chain, and nothing that the state has.
    let chain = kinds_and_keys(answer, "auth_chain");
    assert_eq!(chain, [("m.room.member".to_owned(), anna.to_string())]);
    a.close().await;
    b.close().await;
}
