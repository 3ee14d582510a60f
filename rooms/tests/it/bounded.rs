//! What must not pile up: extremities, rooms in memory.

use gantry_model::{
    RoomVersion,
    id::{OwnedEventId, ServerName},
};
use gantry_rooms::{Arrival, Direction, GivenState, Ingested, Upkeep};

use crate::{
    house::{House, user},
    story::Story,
};

#[tokio::test]
async fn many_extremities_are_merged_by_an_event_that_nobody_sees() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::begin(folder.path(), RoomVersion::V11, 4).await;
    let [one, two] = &story.houses;
    let said = two.say(&story.room, &user("@bob:two"), "said").await;
    let said = two.rooms.pdu(&story.room, &said).await.unwrap().unwrap();
    let mut most = 0;
    for n in 0..25 {
        let mut object = said.object().clone();
        let body = gantry_model::Object::from([("body".to_owned(), n.to_string().as_str().into())]);
        object.insert("content", body.into());
        let told = one
            .rooms
            .ingest(story.signed(object), Arrival::Transaction)
            .await;
        assert!(matches!(told, Ok(Ingested::Accepted(_))), "{told:?}");
        let view = one.rooms.get(&story.room).await.unwrap();
        most = most.max(view.extremities().len());
    }

    assert_eq!(most, 10);
    let log = one.rooms.log(&story.room, 0, 100).await.unwrap();
    let dummies: Vec<OwnedEventId> = log
        .iter()
        .filter(|one| one.pdu.kind() == "org.matrix.dummy_event")
        .map(|one| one.event_id().to_owned())
        .collect();
    assert_eq!(dummies.len(), 2);
    let page = one
        .rooms
        .timeline(&story.room, None, None, Direction::Backward, 100);
    let shown = page.await.unwrap().events;
    assert!(shown.len() >= 25);
    assert!(
        shown
            .iter()
            .all(|one| !dummies.contains(&one.event_id().to_owned()))
    );
    let alice = user("@alice:one");
    let visible = one.rooms.visible(&alice, &story.room, log).await.unwrap();
    assert!(
        visible
            .iter()
            .all(|one| !dummies.contains(&one.event_id().to_owned()))
    );
    let upkeep = Upkeep::new(one.store.clone(), ServerName::parse("one").unwrap());
    assert_eq!(upkeep.check().await.unwrap().findings, []);
    story.end().await;
}

#[tokio::test]
async fn rooms_that_nobody_asks_for_leave_memory() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let alice = user("@alice:one");
    let mut rooms = Vec::new();
    for _ in 0..60 {
        rooms.push(house.public_room(RoomVersion::V11, &alice).await);
        house.clock.advance(1);
    }
    let now = gantry_model::Clock::now_ms(&*house.clock);
    assert_eq!(house.rooms.in_use(), 60);

    let old = house.rooms.evict(now - 20, usize::MAX);
    let surplus = house.rooms.evict(0, 5);

    assert_eq!((old, surplus, house.rooms.in_use()), (40, 15, 5));
    for room in &rooms {
        house.say(room, &alice, "still there").await;
    }
    assert_eq!(house.rooms.in_use(), 60);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_evicted_at_any_moment_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 1).await;
    let alice = user("@alice:one");
    let room = house.public_room(RoomVersion::V11, &alice).await;
    let mut evicted = 0;
    let sending = async {
        for n in 0..300 {
            let since = house.rooms.store_cut();
            let id = house.say(&room, &alice, &n.to_string()).await;
            let upto = house.rooms.store_cut();
            let changes = house.rooms.changes(&room, Some(&since), &upto, 10);
            let seen = changes.await.unwrap().events;
            assert!(seen.iter().any(|one| one.event_id() == id));
        }
    };
    let evicting = async {
        loop {
            evicted += house.rooms.evict(i64::MAX, 0);
            tokio::task::yield_now().await;
        }
    };

    tokio::select! {
        () = sending => {}
        () = evicting => {}
    }

    assert!(evicted > 10, "{evicted}");
    assert_eq!(house.rooms.log(&room, 0, 1_000).await.unwrap().len(), 305);
    house.close().await;
}

#[tokio::test]
async fn history_without_a_state_is_shown_to_those_who_were_there_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let one = House::open(folder.path(), "one", 1).await;
    let two = House::open(folder.path(), "two", 2).await;
    let (alice, bob) = (user("@alice:one"), user("@bob:two"));
    let room = one.public_room(RoomVersion::V11, &alice).await;
    let mut said = Vec::new();
    for n in 0..6 {
        let id = one.say(&room, &alice, &n.to_string()).await;
        said.push(one.rooms.pdu(&room, &id).await.unwrap().unwrap());
    }
    crate::story::join_two(&one, &two, &room).await;
    let state = one
        .rooms
        .state_before(&room, said[0].event_id())
        .await
        .unwrap()
        .unwrap();
    let view = one.rooms.get(&room).await.unwrap();
    let auth_chain = one.rooms.auth_chain_of_state(&view, &state);
    let given = Some(GivenState { state, auth_chain });

    let first = two
        .rooms
        .import_history(&room, said[..2].to_vec(), given)
        .await
        .unwrap();
    let second = two
        .rooms
        .import_history(&room, said[3..5].to_vec(), None)
        .await
        .unwrap();

    assert_eq!((first, second), (2, 2));
    let seen = async |who| {
        let page = two
            .rooms
            .timeline(&room, None, None, Direction::Forward, 100);
        let events = page.await.unwrap().events;
        let visible = two.rooms.visible(who, &room, events).await.unwrap();
        let texts = visible.iter().filter_map(|one| one.pdu.content_str("body"));
        texts.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(seen(&alice).await, ["0", "1", "3", "4"]);
    assert_eq!(seen(&bob).await, ["0", "1"]);
    let log = two.rooms.log(&room, 0, 100).await.unwrap();
    let serve = async |server: &str| {
        let server = ServerName::parse(server).unwrap();
        let shown = two
            .rooms
            .server_visible(&server, &room, log.clone())
            .await
            .unwrap();
        shown
            .iter()
            .filter(|one| one.pdu.content_str("body").is_some())
            .count()
    };
    assert_eq!(serve("one").await, 4);
    assert_eq!(serve("elsewhere").await, 2);
    let upkeep = Upkeep::new(two.store.clone(), ServerName::parse("two").unwrap());
    assert_eq!(upkeep.check().await.unwrap().findings, []);
    one.close().await;
    two.close().await;
}
