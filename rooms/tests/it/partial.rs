//! Rooms that were joined without their members, and how the members come.

use std::time::Duration;

use gantry_model::{
    RoomVersion,
    id::{RoomId, ServerName},
};
use gantry_rooms::{Arrival, Error, Ingested, Membership, Upkeep};

use crate::{
    house::{House, member, user},
    story::{Story, complete, join_without_members},
};

/// The ids of a room's state events.
async fn state(house: &House, room: &RoomId) -> Vec<String> {
    let view = house.rooms.get(room).await.unwrap();
    let ids = view.full_state().into_iter();
    let mut ids: Vec<_> = ids.map(|pdu| pdu.event_id().to_string()).collect();
    ids.sort();
    ids
}

async fn findings(house: &House, server: &str) -> Vec<gantry_rooms::Finding> {
    let upkeep = Upkeep::new(house.store.clone(), ServerName::parse(server).unwrap());
    upkeep.check().await.unwrap().findings
}

#[tokio::test]
async fn a_room_is_usable_before_its_members_are_known_and_whole_after() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let (alice, bob, carol) = (user("@alice:one"), user("@bob:two"), user("@carol:one"));
    let room = one.public_room(RoomVersion::V11, &alice).await;
    one.rooms
        .submit(&room, member(&carol, &carol, "join"))
        .await
        .unwrap();
    let join = join_without_members(&one, &two, &room).await;

    let view = two.rooms.get(&room).await.unwrap();
    assert!(view.is_partial() && view.membership(&carol).is_none());
    assert!(
        view.servers()
            .contains(ServerName::parse("one").unwrap().as_ref() as &ServerName)
    );
    assert_eq!(view.counts().joined, 1);
    let impatient = two.rooms.whole(view, Duration::from_millis(1)).await;
    assert!(matches!(impatient, Err(Error::Partial)));
    let since = two.store.cut();
    let said = two.say(&room, &bob, "hello").await;
    let said = two.rooms.pdu(&room, &said).await.unwrap().unwrap();
    let heard = one
        .rooms
        .ingest((*said).clone(), Arrival::Transaction)
        .await;
    assert!(matches!(heard, Ok(Ingested::Accepted(_))));
    // Who speaks is known from what authorizes it.
    let answer = one.say(&room, &carol, "hello Bob").await;
    let answer = one.rooms.pdu(&room, &answer).await.unwrap().unwrap();
    let of = [answer.event_id().to_owned()];
    let chain = one.rooms.auth_chain(&room, &of).await.unwrap();
    two.rooms.add_outliers(&room, chain).await.unwrap();
    let heard = two
        .rooms
        .ingest((*answer).clone(), Arrival::Transaction)
        .await;
    assert!(matches!(heard, Ok(Ingested::Accepted(_))), "{heard:?}");
    assert_eq!(findings(&two, "two").await, []);

    complete(&one, &two, &room, &join).await;

    let view = two.rooms.get(&room).await.unwrap();
    let view = two.rooms.whole(view, Duration::from_secs(1)).await.unwrap();
    assert_eq!(view.membership(&carol), Some(Membership::Join));
    assert_eq!(view.counts().joined, 3);
    assert_eq!(state(&one, &room).await, state(&two, &room).await);
    let before = two
        .rooms
        .state_before(&room, said.event_id())
        .await
        .unwrap();
    assert_eq!(before.unwrap().len(), view.full_state().len());
    // A client gets what was said, and learns of the members although no event brings them.
    let cut = two.store.cut();
    let news = two
        .rooms
        .changes(&room, Some(&since), &cut, 10)
        .await
        .unwrap();
    assert!(!news.limited);
    assert_eq!(news.events.len(), 2);
    let come = news.now.changed_since(&news.start);
    let come: Vec<_> = come.iter().filter_map(|pdu| pdu.state_key()).collect();
    assert!(come.contains(&carol.as_str()) && come.contains(&alice.as_str()));
    assert_eq!(findings(&two, "two").await, []);

    // Nothing of it depends on what is in memory.
    let whole = state(&two, &room).await;
    two.close().await;
    let two = House::open(folder.path(), "two", 3).await;
    assert_eq!(state(&two, &room).await, whole);
    assert!(!two.rooms.get(&room).await.unwrap().is_partial());
    two.say(&room, &bob, "still here").await;
    assert_eq!(findings(&two, "two").await, []);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_store_that_was_closed_between_knows_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let (alice, bob) = (user("@alice:one"), user("@bob:two"));
    let room = one.public_room(RoomVersion::V12, &alice).await;
    let join = join_without_members(&one, &two, &room).await;
    two.close().await;

    let two = House::open(folder.path(), "two", 3).await;
    let view = two.rooms.get(&room).await.unwrap();
    assert!(view.is_partial());
    assert_eq!(view.servers().len(), 2);
    let provisional = two.rooms.provisional_join(&room).await.unwrap().unwrap();
    assert_eq!(provisional.event_id(), join);
    two.say(&room, &bob, "hello").await;
    complete(&one, &two, &room, &join).await;
    complete(&one, &two, &room, &join).await;

    assert_eq!(two.rooms.provisional_join(&room).await.unwrap(), None);
    assert_eq!(findings(&two, "two").await, []);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn any_history_may_happen_while_members_are_missing() {
    let folder = tempfile::tempdir().unwrap();
    let versions = [RoomVersion::V6, RoomVersion::V11, RoomVersion::V12];
    for (seed, version) in (500..).zip(versions.into_iter().cycle().take(9)) {
        let own = tempfile::tempdir_in(folder.path()).unwrap();
        let (mut story, join) = Story::begin_without_members(own.path(), version, seed).await;
        story.go_on(25).await;
        assert_eq!(findings(&story.houses[1], "two").await, [], "seed {seed}");

        let [one, two] = &story.houses;
        complete(one, two, &story.room, &join).await;

        assert_eq!(findings(two, "two").await, [], "seed {seed}");
        let banned = user("@extra2:one");
        let before = one.rooms.state_before(&story.room, &join).await.unwrap();
        let is_known = before
            .unwrap()
            .iter()
            .any(|pdu| pdu.state_key() == Some(banned.as_str()));
        let view = two.rooms.get(&story.room).await.unwrap();
        assert!(
            is_known && view.membership(&banned).is_some(),
            "seed {seed}"
        );
        story.go_on(25).await;
        assert_eq!(findings(&story.houses[1], "two").await, [], "seed {seed}");
        story.end().await;
    }
}
