//! An index that cannot be used is made anew from the logs.

use std::{fs, path::Path};

use crate::house::House;

async fn two_rooms(folder: &Path) -> Vec<gantry_model::id::OwnedRoomId> {
    let house = House::open(folder).await;
    let mut rooms = Vec::new();
    for text in ["a mulberry", "one more mulberry"] {
        let room = house.room().await;
        house.say(&room, text).await;
        rooms.push(room);
    }
    assert_eq!(
        house.found(&[&rooms[0], &rooms[1]], "mulberry").await.count,
        2
    );
    house.close().await;
    rooms
}

async fn found_again(folder: &Path, rooms: &[gantry_model::id::OwnedRoomId]) {
    let house = House::open(folder).await;
    let both = [&*rooms[0], &*rooms[1]];
    assert_eq!(house.found(&both, "mulberry").await.count, 2);
    // And goes on.
    house.say(&rooms[0], "mulberry jam").await;
    assert_eq!(house.found(&both, "mulberry").await.count, 3);
    house.close().await;
}

#[tokio::test]
async fn a_whole_index_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = two_rooms(folder.path()).await;
    let meta = fs::read(folder.path().join("search/meta.json")).unwrap();

    found_again(folder.path(), &rooms).await;

    assert_ne!(
        fs::read(folder.path().join("search/meta.json")).unwrap(),
        meta
    );
}

#[tokio::test]
async fn a_missing_index_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = two_rooms(folder.path()).await;
    fs::remove_dir_all(folder.path().join("search")).unwrap();

    found_again(folder.path(), &rooms).await;
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = two_rooms(folder.path()).await;
    for entry in fs::read_dir(folder.path().join("search")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|kind| kind == "idx" || kind == "term")
        {
            let mut bytes = fs::read(&path).unwrap();
            bytes[0] ^= 0xff;
            fs::write(&path, bytes).unwrap();
        }
    }

    found_again(folder.path(), &rooms).await;
}

#[tokio::test]
async fn an_index_of_another_form_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let rooms = two_rooms(folder.path()).await;
    let path = folder.path().join("search/meta.json");
    let meta = fs::read_to_string(&path).unwrap();
    let other = meta.replace(r#"\"version\":1"#, r#"\"version\":0"#);
    assert_ne!(meta, other);
    fs::write(&path, other).unwrap();

    found_again(folder.path(), &rooms).await;
}
