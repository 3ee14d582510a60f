//! I12: projections are functions of the log.

use std::collections::BTreeMap;

use gantry_model::{RoomVersion, id::ServerName};
use gantry_rooms::{Rebuilt, Upkeep};
use gantry_store::{
    Key, Scan, Store,
    bson::{Document, doc},
    schema::MEMBERSHIP,
};

use crate::{
    house::{House, member, user},
    story::Story,
};

fn upkeep(house: &House, server: &str) -> Upkeep {
    Upkeep::new(house.store.clone(), ServerName::parse(server).unwrap())
}

async fn rows(store: &Store) -> BTreeMap<Key, Document> {
    let all = Scan::prefix(&[]);
    let rows = store.scan::<Document>(MEMBERSHIP, all).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn rebuilt_rows_equal_the_live_ones_after_any_history() {
    let folder = tempfile::tempdir().unwrap();
    let versions = [RoomVersion::V2, RoomVersion::V10, RoomVersion::V12];
    for (seed, version) in (1..).zip(versions.into_iter().cycle().take(6)) {
        let own = tempfile::tempdir_in(folder.path()).unwrap();
        let mut story = Story::begin(own.path(), version, seed).await;
        for _ in 0..3 {
            story.go_on(25).await;
            for (house, server) in story.houses.iter().zip(["one", "two"]) {
                let rebuilt = upkeep(house, server).rebuild_projections().await.unwrap();
                assert_eq!((rebuilt.written, rebuilt.removed), (0, 0), "seed {seed}");
                assert!(rebuilt.rows > 0);
            }
        }
        story.end().await;
    }
}

#[tokio::test]
async fn a_rebuild_puts_damaged_rows_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut story = Story::begin(folder.path(), RoomVersion::V11, 7).await;
    story.go_on(60).await;
    let house = &story.houses[0];
    for name in ["@carol:one", "@dave:one", "@erin:one"] {
        let who = user(name);
        let joins = member(&who, &who, "join");
        house.rooms.submit(&story.room, joins).await.unwrap();
    }
    let gone = user("@erin:one");
    let leaves = member(&gone, &gone, "leave");
    house.rooms.submit(&story.room, leaves).await.unwrap();
    house.rooms.forget(&gone, &story.room).await.unwrap();
    let before = rows(&house.store).await;
    let keys: Vec<Key> = before.keys().cloned().collect();

    let mut changed = before[&keys[0]].clone();
    changed.insert("membership", "knock");
    house
        .store
        .put(MEMBERSHIP, keys[0].clone(), &changed)
        .await
        .unwrap();
    house
        .store
        .delete(MEMBERSHIP, keys[1].clone())
        .await
        .unwrap();
    let mut stray = before[&keys[2]].clone();
    let other_room = vec![9; 24];
    stray.extend(doc! { "rid": 12_345_i64 });
    house
        .store
        .put(MEMBERSHIP, other_room, &stray)
        .await
        .unwrap();
    let mut nobody = before[&keys[2]].clone();
    nobody.extend(doc! { "user": "@nobody:one" });
    house
        .store
        .put(MEMBERSHIP, vec![8; 24], &nobody)
        .await
        .unwrap();
    let rebuilt = upkeep(house, "one").rebuild_projections().await.unwrap();

    let expected = Rebuilt {
        rooms: 1,
        rows: before.len() as u64,
        written: 2,
        removed: 2,
    };
    assert_eq!(rebuilt, expected);
    assert_eq!(rows(&house.store).await, before);
    story.end().await;
}
