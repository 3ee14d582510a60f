//! Single documents and their indexes.

use gantry_store::bson::{Bson, Document, doc};
use gantry_store::schema::{ALIAS, DEVICE, ROOM, ROOM_NAME};
use gantry_store::{Batch, Blob, Error, Key, Outcome, Scan, Store, concat, hash16, room_key};
use serde::{Deserialize, Serialize};

use crate::fixture::{Fixture, commit};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Device {
    user: String,
    name: Option<String>,
    keys: Vec<Blob>,
    seen: i64,
    v: i64,
}

fn device(v: i64) -> Device {
    let keys = vec![Blob(vec![0, 1, 255]), Blob(vec![])];
    Device {
        user: "@alice:here".into(),
        name: None,
        keys,
        seen: -5,
        v,
    }
}

fn device_key(n: u8) -> Key {
    concat(&[&hash16(&[b"@alice:here"]), &[n; 16]])
}

fn name_key(n: u8) -> Key {
    vec![n; 16]
}

const KEY_TAKEN: Outcome = Outcome::Conflict { index: None };
const APPLIED: Outcome = Outcome::Applied(None);

async fn insert(store: &Store, n: u64, doc: Document) -> Outcome {
    commit(store, |batch| {
        batch.insert(ROOM, room_key(1, b'L', n), doc);
    })
    .await[0]
}

pub(crate) async fn a_document_is_stored_once_and_removed(fixture: &Fixture) {
    let store = fixture.store().await;
    let key = device_key(1);

    assert!(
        store
            .insert_new(DEVICE, key.clone(), &device(1))
            .await
            .expect("stored")
    );
    assert!(
        !store
            .insert_new(DEVICE, key.clone(), &device(2))
            .await
            .expect("refused")
    );
    assert_eq!(
        store.get(DEVICE, &key).await.expect("read"),
        Some(device(1))
    );

    store
        .put(DEVICE, key.clone(), &device(3))
        .await
        .expect("replaced");
    assert_eq!(
        store.get(DEVICE, &key).await.expect("read"),
        Some(device(3))
    );

    store.delete(DEVICE, key.clone()).await.expect("removed");
    store
        .delete(DEVICE, key.clone())
        .await
        .expect("removed again");
    assert_eq!(store.get::<Device>(DEVICE, &key).await.expect("read"), None);
    store.shutdown().await;
}

pub(crate) async fn reads_keep_the_order_of_keys(fixture: &Fixture) {
    let store = fixture.store().await;
    for n in 0..3 {
        store
            .put(DEVICE, device_key(n), &device(n.into()))
            .await
            .expect("stored");
    }

    let keys = [2, 7, 0, 2].map(device_key);
    let found = store
        .multi_get::<Device>(DEVICE, &keys)
        .await
        .expect("read");

    let versions: Vec<_> = found
        .into_iter()
        .map(|found| found.map(|one| one.v))
        .collect();
    assert_eq!(versions, [Some(2), None, Some(0), Some(2)]);
    assert_eq!(
        store.multi_get::<Device>(DEVICE, &[]).await.expect("read"),
        []
    );
    store.shutdown().await;
}

pub(crate) async fn light_reads_leave_heavy_fields_out(fixture: &Fixture) {
    let store = fixture.store().await;
    let light = doc! { "rid": 1, "ts": 5_i64, "tx": { "h": "h", "body": "stays" } };
    let mut full = light.clone();
    full.insert("body", Blob(vec![7; 1000]));
    full.insert("cd", vec![1, 2]);
    insert(&store, 1, full.clone()).await;
    let key = room_key(1, b'L', 1);

    assert_eq!(
        store.get_light(ROOM, &key).await.expect("read"),
        Some(light.clone())
    );
    let many = store
        .multi_get_light(ROOM, std::slice::from_ref(&key))
        .await
        .expect("read");
    assert_eq!(many, [Some(light.clone())]);
    let by_key = store
        .scan(ROOM, Scan::prefix(&key).light())
        .await
        .expect("read");
    assert_eq!(by_key, [(key.clone(), light.clone())]);
    let by_index = Scan::index("ts", vec![Bson::Int64(1)]).light();
    assert_eq!(
        store.scan(ROOM, by_index).await.expect("read"),
        [(key.clone(), light)]
    );
    assert_eq!(store.get(ROOM, &key).await.expect("read"), Some(full));
    store.shutdown().await;
}

pub(crate) async fn every_unique_index_is_named(fixture: &Fixture) {
    let store = fixture.store().await;
    let hash = Blob(vec![9; 32]);
    let cases = [
        ("le", doc! { "rid": 1, "le": hash.clone() }),
        ("tk", doc! { "rid": 1, "tk": Blob(vec![3; 20]) }),
        ("txh", doc! { "rid": 1, "tx": { "h": Blob(vec![4; 16]) } }),
        ("rc", doc! { "rc": "message" }),
        ("kh", doc! { "rid": 1, "kh": Blob(vec![5; 16]) }),
        ("be", doc! { "rid": 1, "be": hash }),
    ];
    for (n, (index, doc)) in (0_u64..).step_by(2).zip(cases) {
        assert_eq!(insert(&store, n, doc.clone()).await, APPLIED, "{index}");

        // Another document: otherwise it counted as the same one, sent again.
        let mut other = doc;
        other.insert("more", 1);
        assert_eq!(
            insert(&store, n + 1, other).await,
            Outcome::Conflict { index: Some(index) },
            "{index}"
        );
        let key = room_key(1, b'L', n + 1);
        assert_eq!(store.get::<Document>(ROOM, &key).await.expect("read"), None);
    }
    store.shutdown().await;
}

pub(crate) async fn the_key_counts_before_the_indexes(fixture: &Fixture) {
    let store = fixture.store().await;
    insert(&store, 1, doc! { "rid": 1, "le": "a", "rc": "b" }).await;

    assert_eq!(
        insert(&store, 1, doc! { "rid": 1, "le": "a", "rc": "c" }).await,
        KEY_TAKEN
    );
    store.shutdown().await;
}

pub(crate) async fn documents_without_the_fields_are_not_in_an_index(fixture: &Fixture) {
    let store = fixture.store().await;
    let docs = [
        doc! { "rid": 1 },
        doc! { "rid": 1, "le": null },
        doc! { "rid": 1, "le": null, "tx": { "id": "x" } },
        doc! { "le": "a" },
        doc! { "rid": 1, "le": "a", "tx": { "h": null } },
    ];

    for (n, doc) in (1..).zip(docs) {
        assert_eq!(insert(&store, n, doc).await, APPLIED);
    }

    let found = |index, eq| {
        let store = &store;
        async move {
            let rows = store
                .scan::<Document>(ROOM, Scan::index(index, eq))
                .await
                .expect("read");
            rows.into_iter().map(|(key, _)| key[16]).collect::<Vec<_>>()
        }
    };
    assert_eq!(found("le", vec![1.into()]).await, [5]);
    assert_eq!(found("le_any", vec!["a".into()]).await, [4, 5]);
    assert!(found("txh", vec![1.into()]).await.is_empty());
    store.shutdown().await;
}

pub(crate) async fn values_are_free_again_after_their_document(fixture: &Fixture) {
    let store = fixture.store().await;
    let named = |rid: i64, v: i64| doc! { "rid": rid, "v": v };
    store
        .put(ROOM_NAME, name_key(1), &named(1, 1))
        .await
        .expect("stored");

    store
        .put(ROOM_NAME, name_key(1), &named(2, 2))
        .await
        .expect("moved");
    assert!(
        store
            .insert_new(ROOM_NAME, name_key(2), &named(1, 1))
            .await
            .expect("free")
    );
    assert!(
        !store
            .insert_new(ROOM_NAME, name_key(3), &named(2, 1))
            .await
            .expect("taken")
    );
    store.delete(ROOM_NAME, name_key(1)).await.expect("removed");
    assert!(
        store
            .insert_new(ROOM_NAME, name_key(3), &named(2, 1))
            .await
            .expect("free")
    );

    let by_rid = Scan::index("rid", vec![2.into()]);
    let found = store
        .scan::<Document>(ROOM_NAME, by_rid)
        .await
        .expect("read");
    assert_eq!(found, [(name_key(3), named(2, 1))]);
    store.shutdown().await;
}

pub(crate) async fn put_reports_a_duplicate(fixture: &Fixture) {
    let store = fixture.store().await;
    store
        .put(ROOM_NAME, name_key(1), &doc! { "rid": 1 })
        .await
        .expect("stored");

    let refused = store
        .put(ROOM_NAME, name_key(2), &doc! { "rid": 1, "other": 1 })
        .await;

    assert!(matches!(
        refused,
        Err(Error::Duplicate {
            table: "room",
            index: "rid"
        })
    ));
    store.shutdown().await;
}

pub(crate) async fn put_if_replaces_only_the_expected_version(fixture: &Fixture) {
    let store = fixture.store().await;
    let key = device_key(1);
    let put_if = async |expected, v| {
        store
            .put_if(DEVICE, key.clone(), expected, &device(v))
            .await
            .expect("answered")
    };

    assert!(!put_if(Some(1), 2).await);
    assert!(put_if(None, 1).await);
    assert!(!put_if(None, 2).await);
    assert!(!put_if(Some(7), 2).await);
    assert!(put_if(Some(1), 2).await);
    assert_eq!(
        store.get(DEVICE, &key).await.expect("read"),
        Some(device(2))
    );
    let without = store
        .put_if(ALIAS, name_key(1), None, &doc! { "rid": 1 })
        .await;
    assert!(matches!(without, Err(Error::Malformed { .. })));
    store.shutdown().await;
}

pub(crate) async fn keys_of_another_length_are_refused(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut batch = Batch::new();
    batch.delete(DEVICE, vec![1; 31]);

    assert!(matches!(
        store.commit(batch).await,
        Err(Error::KeyLength { .. })
    ));
    let read = store.get::<Device>(DEVICE, &[1; 33]).await;
    assert!(matches!(
        read,
        Err(Error::KeyLength {
            expected: 32,
            found: 33,
            ..
        })
    ));
    let scan = store.scan::<Device>(DEVICE, Scan::prefix(&[1; 33])).await;
    assert!(matches!(scan, Err(Error::KeyLength { .. })));
    store.shutdown().await;
}
