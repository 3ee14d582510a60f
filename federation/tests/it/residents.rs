//! Several servers that could help, some of which do not; and joins that are cut off.

use std::time::Duration;

use gantry_model::{Object, RoomVersion};
use gantry_rooms::Membership;

use crate::{house::Street, listener::Mode};

#[tokio::test(flavor = "multi_thread")]
async fn a_join_goes_around_a_silent_server() {
    let street = Street::new();
    let (a, b, silent) = (
        street.house().await,
        street.house().await,
        street.house().await,
    );
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    silent.switch.set(Mode::Silent);
    let via = [silent.name.clone(), a.name.clone()];

    // The time limit of a request is five seconds.
    let join = b.calls.join(&room, &ben, &via, Object::new());
    let joined = tokio::time::timeout(Duration::from_millis(4_500), join).await;

    assert_eq!(joined.unwrap().unwrap(), room);
    a.sees_membership(&room, &ben, Membership::Join).await;
    for house in [a, b, silent] {
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_whose_answer_was_lost_is_resumed() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a.public_room(RoomVersion::V11, &anna).await;
    a.switch.set(Mode::LoseJoins);

    let via = std::slice::from_ref(&a.name);
    let lost = b.calls.join(&room, &ben, via, Object::new()).await;
    a.sees_membership(&room, &ben, Membership::Join).await;
    assert!(lost.is_err());
    assert_eq!(b.rooms.pending_joins().await.unwrap().len(), 1);
    a.switch.set(Mode::Serve);
    let b = street.reopen(b).await;

    b.until(|| async { b.rooms.pending_joins().await.unwrap().is_empty() })
        .await;
    b.sees_membership(&room, &ben, Membership::Join).await;
    a.close().await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_join_leaves_nothing_behind() {
    let street = Street::new();
    let (a, b) = (street.house().await, street.house().await);
    let (anna, ben) = (a.user("anna").await, b.user("ben").await);
    let room = a
        .room(RoomVersion::V11, &anna, r#"{"join_rule":"invite"}"#)
        .await;

    let via = std::slice::from_ref(&a.name);
    let refused = b.calls.join(&room, &ben, via, Object::new()).await;

    assert!(refused.is_err());
    assert!(b.rooms.pending_joins().await.unwrap().is_empty());
    a.close().await;
    b.close().await;
}
