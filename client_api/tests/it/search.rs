//! Finding what was said.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

impl Server {
    async fn says(&self, token: &str, room: &str, text: &str) -> String {
        self.clock.advance(1);
        let path = format!("v3/rooms/{room}/send/m.room.message/{text}");
        let body = json!({"msgtype": "m.text", "body": text});
        let answer = self.put(&path.replace(' ', "_"), token, body).await;
        answer.ok()["event_id"].as_str().expect("an id").to_owned()
    }

    async fn searches(&self, token: &str, criteria: Value) -> Answer {
        self.searches_from(token, criteria, "").await
    }

    async fn searches_from(&self, token: &str, criteria: Value, from: &str) -> Answer {
        self.indexed().await;
        let path = format!("v3/search{from}");
        let body = json!({"search_categories": {"room_events": criteria}});
        self.post(&path, token, body).await
    }
}

fn found(answer: Answer) -> Value {
    answer.ok()["search_categories"]["room_events"].clone()
}

fn texts(found: &Value) -> Vec<&str> {
    let results = found["results"].as_array().expect("results");
    results
        .iter()
        .map(|one| one["result"]["content"]["body"].as_str().unwrap_or(""))
        .collect()
}

#[tokio::test]
async fn results_are_ranked_or_recent_with_context_state_and_highlights() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let name = json!({"displayname": "alice"});
    let path = "v3/profile/@alice:server/displayname";
    server.put(path, &alice, name).await.ok();
    let room = server.room(&alice, json!({"name": "Orchard"})).await;
    for text in [
        "a cherry",
        "cherries cherry cherry",
        "nothing",
        "one cherry more to be had",
    ] {
        server.says(&alice, &room, text).await;
    }

    let ranked = found(
        server
            .searches(&alice, json!({"search_term": "cherry"}))
            .await,
    );
    let wish = json!({
        "search_term": "cherry", "order_by": "recent", "include_state": true,
        "filter": {"limit": 1},
        "event_context": {"before_limit": 1, "after_limit": 1, "include_profile": true},
    });
    let recent = found(server.searches(&alice, wish).await);

    assert_eq!(texts(&ranked)[0], "cherries cherry cherry");
    assert_eq!((texts(&ranked).len(), &ranked["count"]), (3, &json!(3)));
    assert_eq!(ranked["highlights"], json!(["cherry", "cherries"]));
    assert!(ranked.get("next_batch").is_none() && ranked.get("state").is_none());
    assert_eq!(texts(&recent), ["one cherry more to be had"]);
    let context = &recent["results"][0]["context"];
    assert_eq!(context["events_before"][0]["content"]["body"], "nothing");
    assert_eq!(context["events_after"], json!([]));
    assert_eq!(
        context["profile_info"]["@alice:server"]["displayname"],
        "alice"
    );
    assert!(context["start"].is_string() && context["end"].is_string());
    let state = recent["state"][&room].as_array().expect("the state");
    assert!(
        state
            .iter()
            .any(|event| event["content"]["name"] == "Orchard")
    );
    assert!(recent["next_batch"].is_string());
}

#[tokio::test]
async fn pages_and_groups_give_every_result_once() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    let mut rooms = Vec::new();
    for _ in 0..2 {
        let room = server.room(&alice, json!({"preset": "public_chat"})).await;
        server
            .post(&format!("v3/join/{room}"), &bob, json!({}))
            .await
            .ok();
        for n in 0..4 {
            server.says(&alice, &room, &format!("pear {n}")).await;
            server.says(&bob, &room, &format!("pear of bob {n}")).await;
        }
        rooms.push(room);
    }
    let wish = |by: &str| {
        json!({
            "search_term": "pear", "order_by": "recent", "filter": {"limit": 6},
            "groupings": {"group_by": [{"key": by}]},
        })
    };

    let mut seen = Vec::new();
    let mut from = String::new();
    loop {
        let page = found(server.searches_from(&alice, wish("room_id"), &from).await);
        assert_eq!(page["count"], 16);
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        match page["next_batch"].as_str() {
            Some(next) => from = format!("?next_batch={next}"),
            None => break,
        }
    }
    let first = found(server.searches(&alice, wish("sender")).await);
    let group = &first["groups"]["sender"]["@bob:server"];
    let next = group["next_batch"]
        .as_str()
        .expect("more")
        .replace('@', "%40");
    let from = format!("?next_batch={next}");
    let of_bob = found(server.searches_from(&alice, wish("sender"), &from).await);

    assert_eq!(seen.len(), 16);
    assert_eq!(group["order"], 1);
    assert_eq!(group["results"].as_array().map(Vec::len), Some(3));
    let rest: Vec<_> = texts(&of_bob);
    assert_eq!(rest.len(), 5);
    assert!(rest.iter().all(|text| text.contains("bob")));
    let wrong = server
        .searches_from(&alice, wish("sender"), "?next_batch=x")
        .await;
    assert_eq!(wrong.error(), (400, "M_INVALID_PARAM"));
}

#[tokio::test]
async fn filters_and_keys_choose() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    let room = server
        .room(
            &alice,
            json!({"preset": "public_chat", "name": "lemon", "topic": "lemons and limes"}),
        )
        .await;
    let other = server.room(&alice, json!({})).await;
    server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await
        .ok();
    server.says(&alice, &room, "a lemon").await;
    server.says(&bob, &room, "bobs lemon").await;
    server.says(&alice, &other, "other lemon").await;
    let path = format!("v3/rooms/{other}/send/m.room.message/url");
    let picture = json!({"msgtype": "m.image", "body": "lemon.png lemon", "url": "mxc://a/b"});
    server.put(&path, &alice, picture).await.ok();
    let count = async |extra: Value| {
        let mut criteria = json!({"search_term": "lemon"});
        for (key, value) in extra.as_object().expect("an object") {
            criteria[key] = value.clone();
        }
        let found = found(server.searches(&alice, criteria).await);
        found["results"].as_array().expect("results").len()
    };

    assert_eq!(count(json!({})).await, 6);
    assert_eq!(count(json!({"keys": ["content.body"]})).await, 4);
    assert_eq!(
        count(json!({"keys": ["content.name", "content.topic"]})).await,
        2
    );
    assert_eq!(count(json!({"filter": {"rooms": [other]}})).await, 2);
    assert_eq!(count(json!({"filter": {"not_rooms": [other]}})).await, 4);
    assert_eq!(
        count(json!({"filter": {"senders": ["@bob:server"]}})).await,
        1
    );
    assert_eq!(
        count(json!({"filter": {"not_senders": ["@alice:server"]}})).await,
        1
    );
    assert_eq!(
        count(json!({"filter": {"types": ["m.room.topic"]}})).await,
        1
    );
    assert_eq!(
        count(json!({"filter": {"not_types": ["m.room.mess*"]}})).await,
        2
    );
    assert_eq!(count(json!({"filter": {"contains_url": true}})).await, 1);
    assert_eq!(count(json!({"filter": {"contains_url": false}})).await, 5);
    let wrong = json!({"search_term": "x", "keys": ["content.x"]});
    assert_eq!(server.searches(&alice, wrong).await.error().0, 400);
    let wrong = json!({"search_term": "x", "filter": {"limit": 0}});
    assert_eq!(server.searches(&alice, wrong).await.error().0, 400);
    let nothing = server
        .post("v3/search", &alice, json!({"search_categories": {}}))
        .await;
    assert_eq!(nothing.ok(), json!({"search_categories": {}}));
}

#[tokio::test]
async fn only_what_the_asker_may_see_is_found() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    let joined = json!([{
        "type": "m.room.history_visibility", "content": {"history_visibility": "joined"},
    }]);
    let room = server
        .room(
            &alice,
            json!({"preset": "public_chat", "initial_state": joined}),
        )
        .await;
    let search = json!({"search_term": "melon"});
    server.says(&alice, &room, "melon before").await;
    let stranger = found(server.searches(&bob, search.clone()).await);
    server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await
        .ok();
    server.says(&alice, &room, "melon during").await;
    let inside = found(server.searches(&bob, search.clone()).await);
    server
        .post(&format!("v3/rooms/{room}/leave"), &bob, json!({}))
        .await
        .ok();
    server.says(&alice, &room, "melon after").await;
    let outside = found(server.searches(&bob, search.clone()).await);
    server
        .post(&format!("v3/rooms/{room}/forget"), &bob, json!({}))
        .await
        .ok();
    let forgotten = found(server.searches(&bob, search.clone()).await);

    assert!(texts(&stranger).is_empty());
    assert_eq!(texts(&inside), ["melon during"]);
    assert_eq!(texts(&outside), ["melon during"]);
    assert!(texts(&forgotten).is_empty());
    assert_eq!(
        texts(&found(server.searches(&alice, search).await)).len(),
        3
    );
}

#[tokio::test]
async fn ignored_users_are_not_found_and_quotations_are_exact() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let bob = server.user("bob", false).await;
    let room = server.room(&alice, json!({"preset": "public_chat"})).await;
    server
        .post(&format!("v3/join/{room}"), &bob, json!({}))
        .await
        .ok();
    server.says(&bob, &room, "ripe kiwi fruit").await;
    server.says(&alice, &room, "kiwi that is ripe").await;
    let exact = found(
        server
            .searches(&alice, json!({"search_term": "\"ripe kiwi\""}))
            .await,
    );
    let without = found(
        server
            .searches(&alice, json!({"search_term": "kiwi -fruit"}))
            .await,
    );
    let ignore = json!({"ignored_users": {"@bob:server": {}}});
    let path = "v3/user/@alice:server/account_data/m.ignored_user_list";
    server.put(path, &alice, ignore).await.ok();

    let ignoring = found(
        server
            .searches(&alice, json!({"search_term": "kiwi"}))
            .await,
    );

    assert_eq!(texts(&exact), ["ripe kiwi fruit"]);
    assert_eq!(texts(&without), ["kiwi that is ripe"]);
    assert_eq!(texts(&ignoring), ["kiwi that is ripe"]);
}

#[tokio::test]
async fn the_room_before_an_upgrade_is_searched_too() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let old = server.room(&alice, json!({"room_version": "11"})).await;
    server.says(&alice, &old, "old papaya").await;
    let upgrade = json!({"new_version": "12"});
    let path = format!("v3/rooms/{old}/upgrade");
    let new = server
        .post(&path, &alice, upgrade)
        .await
        .text("replacement_room");
    server.says(&alice, &new, "new papaya").await;

    let search = |room: &str| json!({"search_term": "papaya", "filter": {"rooms": [room]}});
    let of_new = found(server.searches(&alice, search(&new)).await);
    let of_old = found(server.searches(&alice, search(&old)).await);

    assert_eq!(texts(&of_new).len(), 2);
    assert_eq!(texts(&of_old), ["old papaya"]);
}

#[tokio::test]
async fn an_edited_message_is_found_by_what_it_says_now() {
    let server = Server::start().await;
    let alice = server.user("alice", false).await;
    let room = server.room(&alice, json!({})).await;
    let message = server.says(&alice, &room, "guava").await;
    let edit = json!({
        "msgtype": "m.text", "body": "* banana",
        "m.new_content": {"msgtype": "m.text", "body": "banana"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": message},
    });
    let path = format!("v3/rooms/{room}/send/m.room.message/edit");
    server.put(&path, &alice, edit).await.ok();

    let old = found(
        server
            .searches(&alice, json!({"search_term": "guava"}))
            .await,
    );
    let new = found(
        server
            .searches(&alice, json!({"search_term": "banana"}))
            .await,
    );

    assert!(texts(&old).is_empty());
    let result = &new["results"][0]["result"];
    assert_eq!(result["event_id"], message);
    let edit = &result["unsigned"]["m.relations"]["m.replace"];
    assert_eq!(edit["content"]["m.new_content"]["body"], "banana");
}
