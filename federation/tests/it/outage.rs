//! Lost transactions, absences and restarts.

use std::{sync::Arc, time::Duration};

use gantry_model::{
    Clock, MockClock, RoomVersion, SystemClock,
    id::{OwnedEventId, OwnedRoomId},
};
use gantry_rooms::{Direction, Membership};

use crate::{
    house::{House, Street},
    listener::Mode,
};

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const SECOND: Duration = Duration::from_secs(1);
/// How long two servers may take to be complete again.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_filled_when_the_next_event_arrives() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    b.switch.set(Mode::Swallow);
    let mut lost = Vec::new();
    for number in 0..25 {
        lost.push(a.say(&room, &anna, &number.to_string()).await);
    }
    let cut = a.rooms.store_cut();
    a.until(|| async { a.outbox.is_delivered(&cut) }).await;
    assert!(b.rooms.event(&room, &lost[3]).await.unwrap().is_none());

    b.switch.set(Mode::Serve);
    let next = a.say(&room, &anna, "and now").await;
    b.receives(&room, &next).await;

    for event in &lost {
        assert!(b.rooms.event(&room, event).await.unwrap().is_some());
    }
    let page = b
        .rooms
        .timeline(&room, None, None, Direction::Backward, 10)
        .await
        .unwrap();
    assert_eq!(page.events.first().unwrap().event_id(), next);
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_missed_is_sent_when_it_returns() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    b.switch.set(Mode::Refuse);
    let mut missed = Vec::new();
    for number in 0..120 {
        missed.push(a.say(&room, &anna, &number.to_string()).await);
    }

    b.switch.set(Mode::Serve);
    for event in &missed {
        b.receives(&room, event).await;
    }

    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_restart_of_the_sender() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    let before = a.say(&room, &anna, "before").await;
    b.receives(&room, &before).await;
    b.switch.set(Mode::Refuse);
    let mut missed = Vec::new();
    for number in 0..10 {
        missed.push(a.say(&room, &anna, &number.to_string()).await);
    }

    let a = street.reopen(a).await;
    b.switch.set(Mode::Serve);

    for event in &missed {
        b.receives(&room, event).await;
    }
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_receiver_goes_on() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    a.sees_membership(&room, &ben, Membership::Join).await;

    let b = street.reopen(b).await;
    let from_a = a.say(&room, &anna, "are you back").await;
    let from_b = b.say(&room, &ben, "yes").await;

    b.receives(&room, &from_a).await;
    a.receives(&room, &from_b).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_does_not_delay_a_live_one() {
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
    c.close().await;

    let mut last = a.say(&room, &anna, "first").await;
    for number in 0..60 {
        last = a.say(&room, &anna, &number.to_string()).await;
    }
    b.receives(&room, &last).await;

    assert!(!a.outbox.is_delivered(&a.rooms.store_cut()));
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_server_missed_is_sent_whatever_its_number() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    b.join(&room, &ben, &a).await;
    b.switch.set(Mode::Refuse);
    let mut missed = Vec::new();
    for number in 0..200 {
        missed.push(a.say(&room, &anna, &number.to_string()).await);
    }
    // What is sent needs nothing of the sender.
    a.switch.set(Mode::Refuse);

    b.switch.set(Mode::Serve);
    for event in &missed {
        b.receives(&room, event).await;
    }

    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_backlog_is_fetched_from_its_end() {
    let clock = Arc::new(MockClock::new(SystemClock.now_ms()));
    let street = Street::on(clock.clone());
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let (long, short) = (
        a.public_room(RoomVersion::V11, &anna).await,
        a.public_room(RoomVersion::V12, &anna).await,
    );
    b.join(&long, &ben, &a).await;
    b.join(&short, &ben, &a).await;
    b.switch.set(Mode::Refuse);
    let mut missed = Vec::new();
    for number in 0..400 {
        missed.push((&long, a.say(&long, &anna, &number.to_string()).await));
        if number % 40 == 0 {
            missed.push((&short, a.say(&short, &anna, &number.to_string()).await));
        }
    }
    // After a week a try fails, by which time more waits than a transaction holds; the next one does
    // not.
    clock.advance(WEEK_MS);
    tokio::time::sleep(2 * SECOND).await;
    let before = b.switch.served();

    b.switch.set(Mode::Serve);
    clock.advance(WEEK_MS);
    for (room, event) in &missed {
        b.receives(room, event).await;
    }

    // Nine transactions at least, if each event were sent.
    let served = b.switch.served() - before;
    assert!(served <= 5, "{served} requests");
    let cut = a.rooms.store_cut();
    a.until(|| async { a.outbox.is_delivered(&cut) }).await;
    let page = b
        .rooms
        .timeline(&long, None, None, Direction::Backward, 500)
        .await
        .unwrap();
    let last = &missed[missed.len() - 1].1;
    assert_eq!(page.events.first().unwrap().event_id(), *last);
    assert!(page.missing.is_empty() || page.events.len() > 400);
    a.close().await;
    b.close().await;
}

/// Those of the events that one of the houses does not have.
async fn still_missing(
    houses: &[&House],
    events: Vec<(OwnedRoomId, OwnedEventId)>,
) -> Vec<(OwnedRoomId, OwnedEventId)> {
    let mut missing = Vec::new();
    for (room, event) in events {
        let mut is_everywhere = true;
        for house in houses {
            is_everywhere &= house.rooms.event(&room, &event).await.unwrap().is_some();
        }
        if !is_everywhere {
            missing.push((room, event));
        }
    }
    missing
}

/// Two servers do not reach each other for a week in which people go on talking on both. 50 rooms and
/// 5,000 events with `GANTRY_LONG=1`.
#[expect(clippy::print_stdout, reason = "figures of long runs")]
#[tokio::test(flavor = "multi_thread")]
async fn a_week_apart_is_made_up_for_with_few_requests() {
    let is_long = std::env::var("GANTRY_LONG").is_ok_and(|long| long == "1");
    let (rooms, sayings) = if is_long { (50, 50) } else { (6, 30) };
    let clock = Arc::new(MockClock::new(SystemClock.now_ms()));
    let street = Street::on(clock.clone());
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let mut shared = Vec::new();
    for number in 0..rooms {
        let version = [RoomVersion::V11, RoomVersion::V12][number % 2];
        let room = a.public_room(version, &anna).await;
        b.join(&room, &ben, &a).await;
        shared.push(room);
    }
    for house in [&a, &b] {
        house.switch.set(Mode::Refuse);
    }
    let mut said = Vec::new();
    for number in 0..sayings {
        clock.advance(WEEK_MS / sayings);
        for room in &shared {
            let text = number.to_string();
            said.push((room.clone(), a.say(room, &anna, &text).await));
            said.push((room.clone(), b.say(room, &ben, &text).await));
        }
    }
    let served = || a.switch.served() + b.switch.served();
    let (before, began) = (served(), SystemClock.now_ms());

    for house in [&a, &b] {
        house.switch.set(Mode::Serve);
    }
    let mut missing = said.clone();
    for _ in 0..PATIENCE.as_secs() {
        tokio::time::sleep(SECOND).await;
        clock.advance(1_000);
        missing = still_missing(&[&a, &b], missing).await;
        if missing.is_empty() {
            break;
        }
    }

    assert!(missing.is_empty(), "{} events did not come", missing.len());
    let requests = served() - before;
    println!(
        "{} events: {requests} requests, {} ms",
        said.len(),
        SystemClock.now_ms() - began
    );
    assert!(
        requests < 6 * rooms,
        "{requests} requests for {rooms} rooms"
    );
    a.close().await;
    b.close().await;
}
