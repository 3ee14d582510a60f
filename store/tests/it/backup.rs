//! Backups while the store is at work, restores into either engine, and looking without writing.

use std::collections::BTreeMap;
use std::path::Path;

use gantry_store::bson::{Document, doc};
use gantry_store::schema::{ACCOUNT, DATA, META, ROOM, SCHEMA, TABLES, WRITERS};
use gantry_store::{Error, Key, Stamp, Store, hash16};

use crate::commits::{assert_dense, entry, log_key};
use crate::fixture::{Fixture, all, commit};

/// What is in a store, but what the store says of itself.
async fn contents(store: &Store) -> BTreeMap<&'static str, BTreeMap<Key, Document>> {
    let mut contents = BTreeMap::new();
    for table in TABLES
        .iter()
        .filter(|table| ![META, WRITERS].contains(table))
    {
        let mut documents = all(store, table).await;
        // Fillers may be laid when a store is opened.
        documents.retain(|key, _| key[..8] != [0; 8]);
        contents.insert(table.name, documents);
    }
    contents
}

/// Chains of three log entries, receipts and accounts.
async fn fill(store: &Store, from: u64, to: u64) {
    for n in from..to {
        commit(store, |batch| {
            for part in 0..3 {
                let key = log_key(n * 10 + part);
                let doc = doc! { "n": n as i64, "text": "x".repeat(500) };
                batch.insert_stamped(ROOM, key, doc, Stamp::PositionAfterPrevious);
            }
            let mut key = vec![1; 25];
            key.extend(n.to_be_bytes());
            batch.put_if_stamped(DATA, key, None, doc! { "v": 1_i64 });
            batch.insert(
                ACCOUNT,
                hash16(&[&n.to_be_bytes()]).to_vec(),
                doc! { "n": n as i64 },
            );
        })
        .await;
    }
}

pub(crate) async fn a_backup_under_load_is_one_moment(fixture: &Fixture) {
    let store = fixture.store().await;
    fill(&store, 0, 150).await;
    let folder = fixture.path().join("backup");

    let (moved, ()) = tokio::join!(store.backup(&folder), fill(&store, 150, 200));

    let moved = moved.expect("a backup");
    let before = store.cut();
    store.shutdown().await;
    let file = fixture.path().join("restored.redb");
    let restored = Store::restore_redb(&file, &folder, 0)
        .await
        .expect("restores");
    assert_eq!(restored, moved);
    let store = Store::open_redb(&file).await.expect("opens");
    let log = all(&store, ROOM).await;
    let accounts = all(&store, ACCOUNT).await.len();
    assert!(accounts >= 150);
    // A batch is there as a prefix, and the next one begins after it.
    let entries = log.values().filter(|doc| doc.contains_key("n")).count();
    assert!(
        (accounts * 3..=accounts * 3 + 3).contains(&entries),
        "{entries} of {accounts}"
    );
    assert_dense(&store, store.cut().mark(1)).await;
    let refused = store.changes(&before, &before).await;
    assert!(matches!(refused, Err(Error::OtherGeneration { .. })));
    fill(&store, 600, 601).await;
    assert_dense(&store, store.cut().mark(1)).await;
    store.shutdown().await;
}

pub(crate) async fn a_restored_store_is_what_was_backed_up(fixture: &Fixture) {
    let store = fixture.store().await;
    fill(&store, 0, 40).await;
    let before = contents(&store).await;
    let folder = fixture.path().join("backup");
    store.backup(&folder).await.expect("a backup");
    store.shutdown().await;
    drop(store);

    fixture.restore_into_other(&folder).await.expect("restores");

    let store = fixture.other_store().await;
    assert_eq!(contents(&store).await, before);
    assert!(store.cut().generation() > 1);
    assert_eq!(store.check().await.expect("checked"), Vec::<String>::new());
    store.shutdown().await;
    drop(store);
    let again = fixture.restore_into_other(&folder).await;
    assert!(again.is_err_and(|error| error.to_string().contains("store already")));
}

pub(crate) async fn a_damaged_backup_is_refused_before_anything_is_written(fixture: &Fixture) {
    let store = fixture.store().await;
    fill(&store, 0, 10).await;
    let folder = fixture.path().join("backup");
    store.backup(&folder).await.expect("a backup");
    let second = store.backup(&folder).await;
    assert!(second.is_err_and(|error| error.to_string().contains("not empty")));
    store.shutdown().await;
    let part = folder.join("room_log.bson");
    let whole = std::fs::read(&part).expect("read");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;

    for bad in [&flipped[..], &whole[..whole.len() - 5], b""] {
        std::fs::write(&part, bad).expect("written");
        assert_refused(fixture.path(), &folder, "damaged").await;
    }
    std::fs::write(&part, &whole).expect("written");
    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("read");
    let newer = format!("\"schema\": {}", SCHEMA + 1);
    let newer = text.replace(&format!("\"schema\": {SCHEMA}"), &newer);
    std::fs::write(&manifest, newer).expect("written");
    assert_refused(fixture.path(), &folder, "newer program").await;
    std::fs::remove_file(&manifest).expect("removed");
    assert_refused(fixture.path(), &folder, "manifest.json").await;
}

async fn assert_refused(root: &Path, folder: &Path, why: &str) {
    let target = root.join("refused.redb");
    let Err(error) = Store::restore_redb(&target, folder, 0).await else {
        panic!("it was restored")
    };
    assert!(error.to_string().contains(why), "{error}");
    assert!(!target.exists());
}

pub(crate) async fn a_restore_that_did_not_end_is_not_opened(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let store = fixture.store_on(&engine).await;
    let about = doc! { "schema": SCHEMA, "generation": 2, "restoring": true };
    let key = hash16(&[b"store"]).to_vec();
    store.put(META, key, &about).await.expect("stored");

    for opened in [
        Store::open(engine.clone(), "node").await,
        Store::reading(engine).await,
    ] {
        let Err(error) = opened else {
            panic!("it opened")
        };
        assert!(error.to_string().contains("restore"), "{error}");
    }
    store.shutdown().await;
}

pub(crate) async fn a_store_that_is_only_read_takes_no_slot(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let store = fixture.store_on(&engine).await;
    fill(&store, 0, 5).await;
    let (before, slot) = (contents(&store).await, all(&store, WRITERS).await);

    let reading = Store::reading(engine.clone()).await.expect("opens");

    assert_eq!(contents(&reading).await, before);
    assert_eq!(all(&reading, WRITERS).await, slot);
    assert_eq!(reading.cut(), store.cut());
    let refused = reading.commit(entry(900, doc! {})).await;
    assert!(matches!(refused, Err(Error::Closed)));
    fill(&store, 5, 6).await;
    store.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_index_entries_and_flipped_bits_are_found() {
    use redb::ReadableTable as _;
    const INDEX: redb::TableDefinition<'_, &[u8], &[u8]> =
        redb::TableDefinition::new("room_log/le");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.redb");
    let store = Store::open_redb(&file).await.expect("opens");
    for n in 0..200_u8 {
        let doc = doc! { "rid": 1_i64, "le": gantry_store::Blob(vec![n; 32]) };
        commit(&store, |batch| {
            batch.insert_stamped(ROOM, log_key(n.into()), doc, Stamp::Position);
        })
        .await;
    }
    store.shutdown().await;
    drop(store);
    let sound = std::fs::read(&file).expect("read");
    let database = redb::Database::open(&file).expect("opens");
    let transaction = database.begin_write().expect("begins");
    {
        let mut index = transaction.open_table(INDEX).expect("there");
        let first = index
            .first()
            .expect("read")
            .map(|(key, _)| key.value().to_vec());
        index
            .remove(first.expect("one").as_slice())
            .expect("removed");
    }
    transaction.commit().expect("commits");
    drop(database);

    let store = Store::read_redb(&file).await.expect("opens");
    let found = store.check().await.expect("checked");
    drop(store);

    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("index room_log/le: 1 of 200"),
        "{found:?}"
    );
    let place = sound
        .windows(32)
        .position(|part| part == [77; 32])
        .expect("stored");
    let mut flipped = sound;
    flipped[place] ^= 1;
    std::fs::write(&file, flipped).expect("written");
    let Err(error) = Store::read_redb(&file).await else {
        panic!("a flipped bit was not noticed")
    };
    assert!(error.to_string().contains("a.redb"), "{error}");
}
