//! Room upgrades, and what goes along.

use gantry_homeserver::{
    CreateRoom, InitialState, Preset, RulePlace, Session, UpgradeRoom, Visibility,
};
use gantry_model::{
    ErrorKind, Value,
    id::{OwnedRoomId, RoomId},
};
use ruma::push::{NewPushRule, NewSimplePushRule};

use crate::harness::{Server, json};

async fn old_room(server: &Server, by: &Session, version: &str) -> OwnedRoomId {
    let wish = CreateRoom {
        preset: Some(Preset::PublicChat),
        visibility: Visibility::Public,
        room_version: Some(version.to_owned()),
        creation_content: json(r#"{"type":"m.space","m.federate":false}"#),
        name: Some("Old".to_owned()),
        topic: Some("About".to_owned()),
        alias_localpart: Some("old".to_owned()),
        initial_state: vec![InitialState {
            kind: "m.space.child".to_owned(),
            state_key: "!child:server".to_owned(),
            content: json(r#"{"via":["server"]}"#),
        }],
        ..CreateRoom::default()
    };
    server
        .hs
        .creation
        .create_room(by, wish)
        .await
        .expect("works")
}

fn to(version: &str) -> UpgradeRoom {
    UpgradeRoom {
        new_version: version.to_owned(),
        additional_creators: Vec::new(),
    }
}

async fn content(server: &Server, by: &Session, room: &RoomId, kind: &str) -> String {
    let reading = &server.hs.reading;
    let event = reading
        .state_event(by, room, kind, "")
        .await
        .expect("state");
    serde_json::to_string(event.content()).expect("JSON")
}

#[tokio::test]
async fn the_new_room_looks_like_the_old_one_and_takes_its_names() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    for (from, version) in [("10", "11"), ("11", "12"), ("12", "12"), ("12", "11")] {
        let old = old_room(&server, &alice, from).await;
        hs.membership
            .ban(&alice, &old, &bob.user_id, None)
            .await
            .expect("works");

        let new = hs
            .creation
            .upgrade_room(&alice, &old, to(version))
            .await
            .expect("works");

        let tombstone = content(&server, &alice, &old, "m.room.tombstone").await;
        assert!(tombstone.contains(new.as_str()), "{tombstone}");
        let create = content(&server, &alice, &new, "m.room.create").await;
        assert!(
            create.contains(old.as_str()) && create.contains("m.space"),
            "{create}"
        );
        assert!(create.contains(r#""m.federate":false"#), "{create}");
        assert_eq!(create.contains("event_id"), version != "12", "{create}");
        let name = content(&server, &alice, &new, "m.room.name").await;
        assert_eq!(name, r#"{"name":"Old"}"#);
        let view = hs.feed.view(&new).await.expect("works").expect("a room");
        assert!(view.state("m.space.child", "!child:server").is_some());
        let banned = view.state("m.room.member", bob.user_id.as_str());
        assert_eq!(
            banned.expect("a ban").content_str("membership"),
            Some("ban")
        );
        let levels = view.power_levels().expect("levels");
        assert!(levels.for_user(&alice.user_id) >= 100);
        let alias = gantry_model::id::RoomAliasId::parse("#old:server").expect("an alias");
        let leads = hs.directory.resolve_alias(&alias).await.expect("works");
        assert_eq!(leads.room_id, new);
        let canonical = content(&server, &alice, &new, "m.room.canonical_alias").await;
        assert!(canonical.contains("#old:server"));
        assert_eq!(
            content(&server, &alice, &old, "m.room.canonical_alias").await,
            "{}"
        );
        let listed = hs.directory.visibility(&new).await.expect("works");
        assert_eq!(listed, Visibility::Public);
        let listed = hs.directory.visibility(&old).await.expect("works");
        assert_eq!(listed, Visibility::Private);
        let levels = content(&server, &alice, &old, "m.room.power_levels").await;
        assert!(levels.contains(r#""events_default":50"#), "{levels}");
        hs.directory
            .delete_alias(&alice, &alias)
            .await
            .expect("works");
    }
}

#[tokio::test]
async fn creators_are_not_named_in_the_levels_of_version_12() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let old = old_room(&server, &alice, "11").await;
    let join = hs.membership.join(&bob, (&*old).into(), vec![], None);
    join.await.expect("works");
    let levels = json(r#"{"users":{"@bob:server":100,"@carol:server":50}}"#);
    hs.messaging
        .send_state(&alice, &old, "m.room.power_levels", "", levels)
        .await
        .expect("works");
    let refused = hs.creation.upgrade_room(&alice, &old, to("12")).await;
    let unknown = hs.creation.upgrade_room(&bob, &old, to("99")).await;

    let wish = UpgradeRoom {
        additional_creators: vec!["@carol:server".try_into().expect("a user")],
        ..to("12")
    };
    let new = hs
        .creation
        .upgrade_room(&bob, &old, wish)
        .await
        .expect("works");

    assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Forbidden);
    let unknown = unknown.expect_err("refused").kind();
    assert_eq!(unknown, ErrorKind::UnsupportedRoomVersion);
    let levels = content(&server, &bob, &new, "m.room.power_levels").await;
    assert!(levels.contains(r#""users":{}"#), "{levels}");
    let create = content(&server, &bob, &new, "m.room.create").await;
    assert!(
        create.contains(r#""additional_creators":["@carol:server"]"#),
        "{create}"
    );
}

#[tokio::test]
async fn settings_go_along_for_everybody_and_for_who_joins_later() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let old = old_room(&server, &alice, "11").await;
    let join = hs.membership.join(&bob, (&*old).into(), vec![], None);
    join.await.expect("works");
    for user in [&alice, &bob] {
        let rule = NewPushRule::Room(NewSimplePushRule::new(old.clone(), vec![]));
        hs.user_data
            .put_push_rule(user, rule, &RulePlace::default())
            .await
            .expect("works");
        hs.user_data
            .set_tag(user, &old, "m.favourite", json("{}"))
            .await
            .expect("works");
    }
    let direct = json(&format!(r#"{{"@alice:server":["{old}"]}}"#));
    hs.user_data
        .set_account_data(&bob, None, "m.direct", direct)
        .await
        .expect("works");

    let new = hs
        .creation
        .upgrade_room(&alice, &old, to("12"))
        .await
        .expect("works");

    for user in [&alice, &bob] {
        let rules = hs.user_data.push_rules(user).await.expect("works");
        assert!(rules.room.get(new.as_str()).is_some());
        assert!(rules.room.get(old.as_str()).is_some());
        let tags = hs.user_data.tags(user, &new).await.expect("works");
        assert!(tags.contains_key("m.favourite"));
    }
    let direct = hs
        .user_data
        .account_data(&bob, None, "m.direct")
        .await
        .expect("works");
    let rooms = direct["@alice:server"].as_array().expect("rooms");
    assert!(rooms.iter().any(|room| room.as_str() == Some(new.as_str())));

    let carol = server.user("carol").await;
    let join = hs.membership.join(&carol, (&*old).into(), vec![], None);
    join.await.expect("works");
    hs.user_data
        .set_tag(&carol, &old, "u.late", json("{}"))
        .await
        .expect("works");
    let join = hs.membership.join(&carol, (&*new).into(), vec![], None);
    join.await.expect("works");
    let tags = hs.user_data.tags(&carol, &new).await.expect("works");
    assert_eq!(
        tags.get("u.late")
            .and_then(Value::as_object)
            .map(gantry_model::Object::len),
        Some(0)
    );
}

#[tokio::test]
async fn a_summary_is_for_those_who_may_know() {
    let server = Server::start().await;
    let hs = &server.hs;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let open = old_room(&server, &alice, "12").await;
    let rules = format!(
        r#"{{"join_rule":"restricted","allow":[{{"type":"m.room_membership","room_id":"{open}"}}]}}"#
    );
    let wish = CreateRoom {
        initial_state: vec![InitialState {
            kind: "m.room.join_rules".to_owned(),
            state_key: String::new(),
            content: json(&rules),
        }],
        ..CreateRoom::default()
    };
    let closed = hs.creation.create_room(&alice, wish).await.expect("works");
    let summary = async |by: Option<&Session>, room: &OwnedRoomId| {
        hs.directory.summary(by, (&**room).into(), Vec::new()).await
    };

    let stranger = summary(None, &open).await.expect("works");
    let denied = summary(Some(&bob), &closed).await;
    let join = hs.membership.join(&bob, (&*open).into(), vec![], None);
    join.await.expect("works");
    let allowed = summary(Some(&bob), &closed).await.expect("works");
    let shared = hs
        .directory
        .mutual_rooms(&alice, &bob.user_id, None)
        .await
        .expect("works");

    assert_eq!(
        (stranger.membership, stranger.room_version.as_deref()),
        (None, Some("12"))
    );
    assert_eq!(denied.expect_err("refused").kind(), ErrorKind::NotFound);
    assert_eq!(allowed.allowed_room_ids, std::slice::from_ref(&open));
    assert_eq!((shared.joined, shared.count), (vec![open], 1));
    let own = hs.directory.mutual_rooms(&bob, &bob.user_id, None).await;
    assert_eq!(own.expect_err("refused").kind(), ErrorKind::InvalidParam);
}
