//! Events at a time.

use gantry_model::RoomVersion;
use gantry_rooms::Direction;

use crate::house::Street;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_moment_before_the_join_is_found_and_fetched() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    let wanted = a.say(&room, &anna, "early").await;
    let at = a.rooms.event(&room, &wanted).await.unwrap().unwrap();
    let at = at.pdu.origin_server_ts();
    for number in 0..40 {
        a.say(&room, &anna, &number.to_string()).await;
    }
    b.join(&room, &ben, &a).await;
    let now = b.clock.now_ms();

    let (back, forth) = (Direction::Backward, Direction::Forward);
    let nothing = b.calls.fetch_event_at(&room, now, forth, None).await;
    let no_nearer = b.calls.fetch_event_at(&room, at, back, Some(at)).await;
    let fetched = b.calls.fetch_event_at(&room, at, forth, Some(now)).await;

    assert!(!no_nearer.unwrap());
    assert!(nothing.is_err() || !nothing.unwrap());
    assert!(fetched.unwrap());
    let found = b.rooms.events_around(&room, at, forth, 5).await.unwrap();
    assert_eq!(found.first().unwrap().pdu.origin_server_ts(), at);
    a.close().await;
    b.close().await;
}
