//! How often what people do goes to the database and back, one time after the other.

use std::time::Duration;

use gantry_homeserver::{FeedOptions, Session};
use gantry_model::id::RoomId;
use tokio::time::Instant;

use crate::harness::{Options, Server, json, message, public};

/// The time of one round trip.
const TRIP: Duration = Duration::from_millis(1);

/// The answer, and how many round trips it took.
async fn counted<T>(work: impl Future<Output = T>) -> (T, u128) {
    let began = Instant::now();
    let answer = work.await;
    (answer, began.elapsed().as_millis() / TRIP.as_millis())
}

async fn far_away() -> Server {
    let options = Options {
        round_trip: TRIP,
        ..Options::default()
    };
    Server::start_with(options).await
}

impl Server {
    async fn say(&self, session: &Session, room: &RoomId, text: &str) {
        let said = self.hs.messaging.send(session, message(room, text)).await;
        said.expect("a message");
    }
}

#[tokio::test(start_paused = true)]
async fn what_people_do_often_takes_few_round_trips() {
    let server = far_away().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let room = server
        .hs
        .creation
        .create_room(&alice, public("a"))
        .await
        .expect("a room");
    server
        .hs
        .membership
        .join(&bob, (&*room).into(), vec![], None)
        .await
        .expect("a join");
    for number in 0..300 {
        server.say(&alice, &room, &number.to_string()).await;
    }
    let feed = &server.hs.feed;
    let options = FeedOptions::default();
    let since = feed.now();
    feed.changes_for(&bob, None, &since, &options)
        .await
        .expect("a first sync");

    let topic = json(r#"{"topic":"t"}"#);
    let (changed, changing) = counted(server.hs.messaging.send_state(
        &alice,
        &room,
        "m.room.topic",
        "",
        topic,
    ))
    .await;
    changed.expect("a topic");
    let since = feed.now();
    let ((), sending) = counted(server.say(&alice, &room, "one")).await;
    let upto = feed.now();
    let (changes, sync) = counted(feed.changes_for(&bob, Some(&since), &upto, &options)).await;

    assert_eq!(changes.expect("changes").joined.len(), 1);
    assert_eq!((sending, changing, sync), (1, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_message_wakes_those_who_wait_without_the_database() {
    let server = far_away().await;
    let (alice, carol) = (server.user("alice").await, server.user("carol").await);
    let room = server
        .hs
        .creation
        .create_room(&alice, public("a"))
        .await
        .expect("a room");
    let feed = &server.hs.feed;
    let since = feed.now();
    server.say(&alice, &room, "one").await;

    for who in [&alice, &carol] {
        let (now, trips) = counted(feed.wait(who, &since, Duration::ZERO)).await;
        now.expect("an end of the wait");
        assert_eq!(trips, 0, "{}", who.user_id);
    }
}
