//! Keys of servers that are gone.

use gantry_federation::FederationConfig;
use gantry_model::{Object, RoomVersion, Value, sign::signatures_of};
use gantry_rooms::Membership;
use http::{Method, StatusCode};

use crate::house::{House, Street, object};

/// What a notary says about the keys of a server.
async fn keys_of(street: &Street, notary: &House, server: &str) -> Vec<Object> {
    let path = format!("/_matrix/key/v2/query/{server}");
    let (status, answer) = street.send(Method::GET, notary, &path, None, None).await;
    assert_eq!(status, StatusCode::OK);
    listed(&answer)
}

fn listed(answer: &Value) -> Vec<Object> {
    let keys = answer.as_object().unwrap()["server_keys"].as_array();
    let objects = keys.unwrap().iter().map(|one| one.as_object().unwrap());
    objects.cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notary_gives_answers_as_it_got_them_with_its_signature() {
    let street = Street::new();
    let (a, notary) = (street.house().await, street.house().await);
    let (name, dead) = (a.name.clone(), "127.0.0.1:9");

    let alive = keys_of(&street, &notary, name.as_str()).await;
    let own = keys_of(&street, &notary, notary.name.as_str()).await;
    let none = keys_of(&street, &notary, dead).await;
    a.close().await;
    let body = format!(
        r#"{{"server_keys":{{"{name}":{{"ed25519:test":{{"minimum_valid_until_ts":1}}}},
            "{dead}":{{}},"not a name":{{}}}}}}"#
    );
    let query = "/_matrix/key/v2/query";
    let body = Some(object(&body));
    let (status, kept) = street.send(Method::POST, &notary, query, body, None).await;
    let (bad, _) = street
        .send(Method::POST, &notary, query, Some(Object::new()), None)
        .await;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(bad, StatusCode::BAD_REQUEST);
    assert!(none.is_empty());
    assert_eq!(listed(&kept), alive);
    for (answers, server) in [(&alive, &name), (&own, &notary.name)] {
        let [answer] = &answers[..] else {
            panic!("one answer: {answers:?}")
        };
        assert_eq!(answer["server_name"], server.as_str().into());
        for signer in [server, &notary.name] {
            assert!(signatures_of(answer, signer.as_str()).next().is_some());
        }
        let key = notary.key.verify_key();
        let signed = key.verify_object(notary.name.as_str(), notary.key.id(), answer);
        assert!(signed.is_ok());
    }
    notary.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_servers_members_are_believed_on_a_notarys_word() {
    let street = Street::new();
    let (a, gone, notary) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let believing = FederationConfig {
        notaries: vec![notary.name.clone()],
        ..FederationConfig::default()
    };
    let (b, c) = (street.house_with(believing).await, street.house().await);
    let (anna, gus) = (a.user("anna").await, gone.user("gus").await);
    let (ben, cleo) = (b.user("ben").await, c.user("cleo").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    gone.join(&room, &gus, &a).await;
    let text = gone.say(&room, &gus, "farewell").await;
    a.receives(&room, &text).await;
    keys_of(&street, &notary, gone.name.as_str()).await;
    gone.close().await;

    b.join(&room, &ben, &a).await;
    c.join(&room, &cleo, &a).await;

    let membership = |house: &House| {
        let (rooms, room, gus) = (house.rooms.clone(), room.clone(), gus.clone());
        async move { rooms.get(&room).await.unwrap().membership(&gus) }
    };
    assert_eq!(membership(&b).await, Some(Membership::Join));
    assert_eq!(membership(&c).await, None);
    for house in [a, b, c, notary] {
        house.close().await;
    }
}
