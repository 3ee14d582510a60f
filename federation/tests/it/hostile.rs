//! Servers that do what they must not.

use gantry_federation::FederationConfig;
use gantry_model::{
    ErrorKind, Object, Pdu, RoomVersion, Value, hash::set_content_hash, id::RoomId,
};
use gantry_outbound::{Discovery, Outbound, OutboundConfig, OutboundRequest, StaticResolver};
use gantry_rooms::{Membership, NewEvent};
use http::{Method, StatusCode, header::AUTHORIZATION};
use std::{sync::Arc, time::Duration};

use crate::house::{House, Street, member, message, object};

impl Street {
    /// Sends a request in the name of `from`, signed unless `header` says otherwise.
    pub(crate) async fn request(
        &self,
        from: &House,
        to: &House,
        path: &str,
        body: Object,
        header: Option<&str>,
    ) -> (StatusCode, Value) {
        let header = header.map_or_else(
            || authorization("PUT", from, to, path, &body),
            str::to_owned,
        );
        self.send(Method::PUT, to, path, Some(body), Some(&header))
            .await
    }

    /// Sends a request.
    pub(crate) async fn send(
        &self,
        method: Method,
        to: &House,
        path: &str,
        body: Option<Object>,
        header: Option<&str>,
    ) -> (StatusCode, Value) {
        let outbound = Outbound::new(
            OutboundConfig {
                extra_ca: Some(self.ca_file()),
                allowed_private_ranges: vec!["127.0.0.0/8".parse().unwrap()],
                ..OutboundConfig::default()
            },
            Arc::new(StaticResolver::new()),
        )
        .unwrap();
        let discovery = Discovery::new(outbound.clone(), Arc::new(gantry_model::SystemClock));
        let destination = discovery.resolve(&to.name).await.unwrap();
        let url = format!("https://{}{path}", to.name).parse().unwrap();
        let mut request = OutboundRequest::new(method, url).to_destination(&destination);
        if let Some(header) = header {
            let headers = &mut request.headers;
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        if let Some(body) = body {
            request.body = gantry_model::canonical_json::object_to_bytes(&body).into();
        }
        let response = outbound.request(request).await.unwrap();
        (
            response.status,
            Value::parse(&response.body).unwrap_or(Value::Null),
        )
    }
}

pub(crate) fn authorization(
    method: &str,
    from: &House,
    to: &House,
    path: &str,
    body: &Object,
) -> String {
    let mut signed = Object::from([
        ("method".to_owned(), method.into()),
        ("uri".to_owned(), path.into()),
        ("origin".to_owned(), from.name.as_str().into()),
        ("destination".to_owned(), to.name.as_str().into()),
    ]);
    if method != "GET" {
        signed.insert("content", body.clone().into());
    }
    from.key.sign_object(from.name.as_str(), &mut signed);
    let (_, signature) = gantry_model::sign::signatures_of(&signed, from.name.as_str())
        .next()
        .unwrap();
    format!(
        "X-Matrix origin=\"{}\",destination=\"{}\",key=\"{}\",sig=\"{signature}\"",
        from.name,
        to.name,
        from.key.id()
    )
}

fn transaction(pdus: Vec<Object>) -> Object {
    let pdus: Vec<Value> = pdus.into_iter().map(Value::from).collect();
    Object::from([("pdus".to_owned(), pdus.into())])
}

/// A message of `ben`, drafted by his server but not appended there.
async fn draft(b: &House, room: &RoomId, event: NewEvent) -> Pdu {
    b.rooms.draft(room, event).await.unwrap()
}

fn result_of<'a>(answer: &'a Value, pdu: &Pdu) -> &'a Object {
    let results = answer.as_object().unwrap()["pdus"].as_object().unwrap();
    results[pdu.event_id().as_str()].as_object().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_must_be_signed_by_its_origin() {
    let street = Street::new();
    let (a, b, c) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let path = "/_matrix/federation/v1/send/1";
    let forged = authorization("PUT", &c, &a, path, &Object::new())
        .replace(c.name.as_str(), b.name.as_str());
    let for_another = authorization("PUT", &b, &c, path, &Object::new());

    for header in ["", "X-Matrix", &forged, &for_another] {
        let (status, body) = street
            .request(&b, &a, path, Object::new(), Some(header))
            .await;

        assert_eq!(status, StatusCode::UNAUTHORIZED, "{header}");
        assert_eq!(
            body.as_object().unwrap()["errcode"],
            "M_UNAUTHORIZED".into()
        );
    }
    let (status, _) = street.request(&b, &a, path, Object::new(), None).await;
    assert_eq!(status, StatusCode::OK);
    for house in [a, b, c] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_events_are_dropped_and_good_ones_beside_them_taken() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    let good = draft(&b, &room, message(&ben, "good")).await;
    let unsigned = {
        let mut object = draft(&b, &room, message(&ben, "unsigned"))
            .await
            .object()
            .clone();
        object.remove("signatures");
        Pdu::parse(object, RoomVersion::V11).unwrap()
    };
    let forged = {
        let mut object = draft(&b, &room, message(&ben, "forged"))
            .await
            .object()
            .clone();
        object.insert("sender", anna.as_str().into());
        set_content_hash(&mut object);
        b.key
            .sign_event(a.name.as_str(), &mut object, RoomVersion::V11.rules());
        Pdu::parse(object, RoomVersion::V11).unwrap()
    };
    let wrong_hash = {
        let mut object = draft(&b, &room, message(&ben, "shown"))
            .await
            .object()
            .clone();
        let content = object_of(r#"{"body":"hidden","msgtype":"m.text"}"#);
        object.insert("content", content.into());
        Pdu::parse(object, RoomVersion::V11).unwrap()
    };
    let malformed = object_of(r#"{"type":"m.room.message"}"#);
    let mut huge = good.object().clone();
    huge.insert("x", "x".repeat(70_000).into());
    let body = transaction(vec![
        malformed,
        huge,
        unsigned.object().clone(),
        forged.object().clone(),
        wrong_hash.object().clone(),
        good.object().clone(),
    ]);

    let path = "/_matrix/federation/v1/send/1";
    let (status, answer) = street.request(&b, &a, path, body, None).await;

    assert_eq!(status, StatusCode::OK);
    assert!(result_of(&answer, &good).is_empty());
    assert!(result_of(&answer, &wrong_hash).is_empty());
    assert!(result_of(&answer, &unsigned).contains_key("error"));
    assert!(result_of(&answer, &forged).contains_key("error"));
    a.receives(&room, good.event_id()).await;
    a.receives(&room, wrong_hash.event_id()).await;
    let stored = a
        .rooms
        .event(&room, wrong_hash.event_id())
        .await
        .unwrap()
        .unwrap();
    assert!(stored.pdu.content().is_empty());
    for absent in [&unsigned, &forged] {
        assert!(
            a.rooms
                .event(&room, absent.event_id())
                .await
                .unwrap()
                .is_none()
        );
    }
    a.close().await;
    b.close().await;
}

fn object_of(text: &str) -> Object {
    object(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_51_events_is_refused() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let body = transaction(vec![Object::new(); 51]);

    let path = "/_matrix/federation/v1/send/1";
    let (status, _) = street.request(&b, &a, path, body, None).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_rules_forbid_is_rejected() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    let honest = draft(&b, &room, message(&ben, "x")).await;
    let mut coup = honest.object().clone();
    coup.insert("type", "m.room.power_levels".into());
    coup.insert("state_key", "".into());
    let levels = format!(r#"{{"users":{{"{ben}":100}}}}"#);
    coup.insert("content", object(&levels).into());
    coup.remove("signatures");
    set_content_hash(&mut coup);
    b.key
        .sign_event(b.name.as_str(), &mut coup, RoomVersion::V11.rules());
    let coup = Pdu::parse(coup, RoomVersion::V11).unwrap();
    let body = transaction(vec![coup.object().clone(), honest.object().clone()]);

    let path = "/_matrix/federation/v1/send/1";
    street.request(&b, &a, path, body, None).await;

    a.receives(&room, honest.event_id()).await;
    let view = a.rooms.get(&room).await.unwrap();
    assert_ne!(
        view.state("m.room.power_levels", "").unwrap().event_id(),
        coup.event_id()
    );
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excluded_server_is_not_heard() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    let text = draft(&b, &room, message(&ben, "too late")).await;
    let acl = object(r#"{"allow":["*"],"deny":["127.0.0.1"]}"#);
    a.rooms
        .submit(&room, NewEvent::state(anna, "m.room.server_acl", "", acl))
        .await
        .unwrap();

    let path = "/_matrix/federation/v1/send/1";
    let body = transaction(vec![text.object().clone()]);
    let (_, answer) = street.request(&b, &a, path, body, None).await;
    let again = b
        .calls
        .join(&room, &ben, std::slice::from_ref(&a.name), Object::new())
        .await;

    assert!(result_of(&answer, &text).contains_key("error"));
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Forbidden);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outside_of_the_room_learns_nothing() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let text = a.say(&room, &anna, "secret").await;

    let invite = a
        .rooms
        .draft(&room, member(&anna, &ben, "invite"))
        .await
        .unwrap();
    let path = format!("/_matrix/federation/v2/invite/{room}/{}", invite.event_id());
    let body = Object::from([
        ("event".to_owned(), invite.object().clone().into()),
        ("room_version".to_owned(), "99".into()),
    ]);
    let (status, answer) = street.request(&a, &b, &path, body, None).await;
    let history = b.calls.backfill(&room, &[text], 10).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        answer.as_object().unwrap()["errcode"],
        "M_INCOMPATIBLE_ROOM_VERSION".into()
    );
    assert_eq!(history.unwrap(), 0);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_denied_is_neither_heard_nor_called() {
    let street = Street::new();
    let a = street.house().await;
    let b = street
        .house_with(FederationConfig {
            deny: vec![a.name.to_string()],
            ..FederationConfig::default()
        })
        .await;
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let served = a.switch.served();

    let path = "/_matrix/federation/v1/send/1";
    let (status, _) = street.request(&a, &b, path, Object::new(), None).await;
    let via = std::slice::from_ref(&a.name);
    let join = b.calls.join(&room, &ben, via, Object::new()).await;

    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(join.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(a.switch.served(), served);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_tell_what_it_refers_to_delays_no_other() {
    let street = Street::new();
    let (a, b, c) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (anna, ben, cleo) = (
        a.user("anna").await,
        b.user("ben").await,
        c.user("cleo").await,
    );
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    c.join(&room, &cleo, &a).await;
    b.sees_membership(&room, &cleo, Membership::Join).await;
    let mut bait = draft(&c, &room, message(&cleo, "bait"))
        .await
        .object()
        .clone();
    let nowhere = format!("${}", "A".repeat(43));
    bait.insert("prev_events", vec![nowhere.into()].into());
    bait.remove("signatures");
    set_content_hash(&mut bait);
    c.key
        .sign_event(c.name.as_str(), &mut bait, RoomVersion::V11.rules());
    c.switch.set(crate::listener::Mode::Silent);

    let path = "/_matrix/federation/v1/send/1";
    let (status, _) = street
        .request(&c, &b, path, transaction(vec![bait]), None)
        .await;
    assert_eq!(status, StatusCode::OK);
    let text = a.say(&room, &anna, "meanwhile").await;
    let came = tokio::time::timeout(Duration::from_secs(4), b.receives(&room, &text));

    // One silent answer alone takes five seconds.
    came.await.expect("nobody waits for the silent server");
    for house in [a, b, c] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_staged_is_found_again_room_by_room() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let anna = a.user("anna").await;
    let mut staged = 0;
    for count in [1_100, 3] {
        let room = a.public_room(RoomVersion::V11, &anna).await;
        let mut pdus = Vec::new();
        for number in 0..count {
            pdus.push(draft(&a, &room, message(&anna, &number.to_string())).await);
        }
        for transaction in pdus.chunks(50) {
            b.rooms.stage(&a.name, transaction).await.unwrap();
        }
        staged += count;
    }

    let (mut after, mut counts) = (None, Vec::new());
    while let Some((found, place)) = b.rooms.staged_room(after).await.unwrap() {
        assert!(found.iter().all(|one| one.room_id == found[0].room_id));
        counts.push(found.len());
        after = Some(place);
    }

    counts.sort_unstable();
    assert_eq!(counts, [3, 1_100]);
    assert_eq!(counts.iter().sum::<usize>(), staged);
    a.close().await;
    b.close().await;
}
