//! Edits, threads and other relations, and the events near a moment.

use gantry_homeserver::{
    CreateRoom, Direction, EventFilter, MessagesQuery, NewMessage, Preset, RelationsQuery, Session,
    ThreadsQuery,
};
use gantry_model::{ErrorKind, id::OwnedEventId, id::OwnedRoomId};

use crate::harness::{Server, json};

struct Talk {
    server: Server,
    alice: Session,
    bob: Session,
    room: OwnedRoomId,
}

impl Talk {
    async fn start() -> Self {
        let server = Server::start().await;
        let (alice, bob) = (server.user("alice").await, server.user("bob").await);
        let wish = CreateRoom {
            preset: Some(Preset::PublicChat),
            ..CreateRoom::default()
        };
        let hs = &server.hs;
        let room = hs.creation.create_room(&alice, wish).await.expect("works");
        hs.membership
            .join(&bob, (&*room).into(), vec![], None)
            .await
            .expect("works");
        Self {
            server,
            alice,
            bob,
            room,
        }
    }

    async fn say(&self, by: &Session, body: &str) -> OwnedEventId {
        self.send(by, &format!(r#"{{"msgtype":"m.text","body":"{body}"}}"#))
            .await
    }

    async fn relate(&self, by: &Session, to: &OwnedEventId, kind: &str) -> OwnedEventId {
        let new = r#""m.new_content":{"msgtype":"m.text","body":"new"}"#;
        let relates = format!(r#""m.relates_to":{{"rel_type":"{kind}","event_id":"{to}"}}"#);
        self.send(
            by,
            &format!(r#"{{"msgtype":"m.text","body":"*",{new},{relates}}}"#),
        )
        .await
    }

    async fn send(&self, by: &Session, content: &str) -> OwnedEventId {
        let message = NewMessage {
            room: self.room.clone(),
            kind: "m.room.message".to_owned(),
            content: json(content),
            txn: None,
            rc: None,
            ts: None,
        };
        let sent = self.server.hs.messaging.send(by, message).await;
        sent.expect("works").event_id
    }

    async fn threads(
        &self,
        by: &Session,
        query: ThreadsQuery,
    ) -> (Vec<OwnedEventId>, Option<String>) {
        let reading = &self.server.hs.reading;
        let page = reading.threads(by, &self.room, query).await.expect("works");
        let ids = page.roots.iter().map(|root| root.event_id().to_owned());
        (ids.collect(), page.next_batch)
    }

    async fn relations(&self, to: &OwnedEventId, query: RelationsQuery) -> Vec<OwnedEventId> {
        let reading = &self.server.hs.reading;
        let page = reading.relations(&self.bob, &self.room, to, query).await;
        let chunk = page.expect("works").chunk;
        chunk.iter().map(|one| one.event_id().to_owned()).collect()
    }
}

fn all() -> RelationsQuery {
    RelationsQuery {
        rel_type: None,
        event_type: None,
        from: None,
        to: None,
        limit: 50,
        direction: Direction::Backward,
        recurse: false,
    }
}

#[tokio::test]
async fn an_event_comes_with_its_edit_its_thread_and_its_references() {
    let talk = Talk::start().await;
    let root = talk.say(&talk.alice, "root").await;
    talk.relate(&talk.bob, &root, "m.replace").await;
    talk.relate(&talk.alice, &root, "m.replace").await;
    let edit = talk.relate(&talk.alice, &root, "m.replace").await;
    let reference = talk.relate(&talk.bob, &root, "m.reference").await;
    talk.relate(&talk.alice, &root, "m.thread").await;
    let reply = talk.relate(&talk.alice, &root, "m.thread").await;
    let reply_edit = talk.relate(&talk.alice, &reply, "m.replace").await;
    let reading = &talk.server.hs.reading;

    let event = reading
        .event(&talk.bob, &talk.room, &root)
        .await
        .expect("works");
    let known = reading
        .aggregations(&talk.bob, &talk.room, std::slice::from_ref(&event))
        .await
        .expect("works");

    let of_root = known.of(&root).expect("children");
    let thread = of_root.thread.as_ref().expect("a thread");
    let newest = of_root.replace.as_ref().expect("an edit");
    // Edits of one millisecond are ordered by id.
    assert_eq!(newest.pdu.sender(), talk.alice.user_id);
    assert!(newest.pdu.origin_server_ts() > 0 && *newest.event_id() != reply_edit);
    assert!(newest.event_id() == edit || newest.pdu.origin_server_ts() > 0);
    assert_eq!(of_root.references, [reference]);
    assert_eq!(thread.latest.event_id(), reply);
    assert_eq!((thread.count, thread.participated), (2, false));
    let of_reply = known.of(&reply).expect("children");
    assert_eq!(
        of_reply
            .replace
            .as_ref()
            .map(|one| one.event_id().to_owned()),
        Some(reply_edit)
    );
    let for_alice = reading
        .aggregations(&talk.alice, &talk.room, &[event])
        .await
        .expect("works");
    let thread = for_alice.of(&root).and_then(|one| one.thread.as_ref());
    assert!(thread.expect("a thread").participated);
}

#[tokio::test]
async fn what_was_redacted_is_in_no_aggregation() {
    let talk = Talk::start().await;
    let root = talk.say(&talk.alice, "root").await;
    let first = talk.relate(&talk.alice, &root, "m.thread").await;
    let second = talk.relate(&talk.alice, &root, "m.thread").await;
    let hs = &talk.server.hs;
    hs.messaging
        .redact(&talk.alice, &talk.room, &second, None, None)
        .await
        .expect("works");

    let event = hs
        .reading
        .event(&talk.bob, &talk.room, &root)
        .await
        .expect("works");
    let known = hs
        .reading
        .aggregations(&talk.bob, &talk.room, &[event])
        .await
        .expect("works");

    let thread = known
        .of(&root)
        .and_then(|one| one.thread.clone())
        .expect("a thread");
    assert_eq!((thread.latest.event_id(), thread.count), (&*first, 1));
}

#[tokio::test]
async fn threads_stand_where_their_newest_event_stands() {
    let talk = Talk::start().await;
    let one = talk.say(&talk.alice, "1").await;
    let two = talk.say(&talk.alice, "2").await;
    let three = talk.say(&talk.alice, "3").await;
    talk.relate(&talk.bob, &one, "m.thread").await;
    talk.relate(&talk.alice, &two, "m.thread").await;
    talk.relate(&talk.alice, &three, "m.thread").await;
    talk.relate(&talk.alice, &one, "m.thread").await;
    let limited = |from: Option<String>| ThreadsQuery {
        limit: Some(2),
        from: from.map(|from| from.parse().expect("a token")),
        participated: false,
    };

    let (first, next) = talk.threads(&talk.bob, limited(None)).await;
    let (second, end) = talk.threads(&talk.bob, limited(next)).await;
    let own = ThreadsQuery {
        participated: true,
        ..ThreadsQuery::default()
    };
    let (own, _) = talk.threads(&talk.bob, own).await;

    assert_eq!(first, [one.clone(), three]);
    assert_eq!(second, [two]);
    assert_eq!(end, None);
    assert_eq!(own, [one]);
}

#[tokio::test]
async fn relations_of_relations_are_followed_when_asked_for() {
    let talk = Talk::start().await;
    let root = talk.say(&talk.alice, "root").await;
    let reply = talk.relate(&talk.bob, &root, "m.thread").await;
    let edit = talk.relate(&talk.bob, &reply, "m.replace").await;
    let recurse = RelationsQuery {
        recurse: true,
        ..all()
    };
    let edits = RelationsQuery {
        rel_type: Some("m.replace".to_owned()),
        ..recurse.clone()
    };

    assert_eq!(
        talk.relations(&root, all()).await,
        std::slice::from_ref(&reply)
    );
    assert_eq!(talk.relations(&root, recurse).await, [edit.clone(), reply]);
    assert_eq!(talk.relations(&root, edits).await, [edit]);
}

#[tokio::test]
async fn relations_are_paged_from_a_sync_token() {
    let talk = Talk::start().await;
    let root = talk.say(&talk.alice, "root").await;
    talk.relate(&talk.bob, &root, "m.thread").await;
    let since = talk.server.hs.feed.now();
    let second = talk.relate(&talk.bob, &root, "m.thread").await;
    let third = talk.relate(&talk.bob, &root, "m.thread").await;
    let query = RelationsQuery {
        from: Some(gantry_homeserver::PageToken::Sync(since)),
        direction: Direction::Forward,
        ..all()
    };

    assert_eq!(talk.relations(&root, query).await, [second, third]);
}

#[tokio::test]
async fn messages_are_filtered_by_relations_of_their_own_and_of_others() {
    let talk = Talk::start().await;
    let root = talk.say(&talk.alice, "root").await;
    let reply = talk.relate(&talk.bob, &root, "m.thread").await;
    talk.relate(&talk.alice, &reply, "m.reference").await;
    let page = async |filter: &str| {
        let query = MessagesQuery {
            from: None,
            to: None,
            direction: Direction::Backward,
            limit: 20,
            filter: serde_json::from_str::<EventFilter>(filter).expect("a filter"),
        };
        let reading = &talk.server.hs.reading;
        let page = reading.messages(&talk.bob, &talk.room, query).await;
        let chunk = page.expect("works").chunk;
        let ids = chunk.iter().map(|one| one.event_id().to_owned());
        ids.collect::<Vec<_>>()
    };

    let threaded = page(r#"{"org.matrix.msc3874.rel_types":["m.thread"]}"#).await;
    let by_thread = page(r#"{"related_by_rel_types":["m.thread"]}"#).await;
    let by_alice = page(r#"{"related_by_senders":["@alice:server"]}"#).await;
    let both = r#"{"related_by_senders":["@alice:server"],"related_by_rel_types":["m.thread"]}"#;

    assert_eq!(threaded, std::slice::from_ref(&reply));
    assert_eq!(by_thread, [root]);
    assert_eq!(by_alice, [reply]);
    assert!(page(both).await.is_empty());
}

#[tokio::test]
async fn events_are_found_by_their_moment() {
    let talk = Talk::start().await;
    let first = talk.say(&talk.alice, "1").await;
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    let second = talk.say(&talk.alice, "2").await;
    let reading = &talk.server.hs.reading;
    let at = async |ts: i64, direction| {
        let found = reading
            .event_at_time(&talk.bob, &talk.room, ts, direction)
            .await;
        found.map(|event| event.event_id().to_owned())
    };
    let second_ts = {
        let event = reading
            .event(&talk.bob, &talk.room, &second)
            .await
            .expect("works");
        event.pdu.origin_server_ts()
    };
    let stranger = talk.server.user("eve").await;

    assert_eq!(
        at(second_ts, Direction::Forward).await.expect("works"),
        second
    );
    assert_eq!(
        at(i64::from(u32::MAX) << 20, Direction::Backward)
            .await
            .expect("works"),
        second
    );
    assert_eq!(
        at(second_ts - 1, Direction::Backward).await.expect("works"),
        first
    );
    let none = at(second_ts + 1, Direction::Forward).await;
    assert_eq!(none.expect_err("none").kind(), ErrorKind::NotFound);
    let none = at(5, Direction::Backward).await;
    assert_eq!(none.expect_err("none").kind(), ErrorKind::NotFound);
    let refused = reading
        .event_at_time(&stranger, &talk.room, second_ts, Direction::Forward)
        .await;
    assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Forbidden);
}
