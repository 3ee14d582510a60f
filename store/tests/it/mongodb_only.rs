//! What only the MongoDB engine does.

use futures::{StreamExt as _, TryStreamExt as _};
use gantry_store::bson::{Bson, Document, doc};
use gantry_store::schema::{FILTER, ROOM, TABLES};
use gantry_store::{Batch, Engine as _, MongoEngine, Scan, Stamp, Store, Told};

use crate::commits::{entry, log_key};
use crate::fixture::{Fixture, Kind, run};

fn database(fixture: &Fixture) -> (&str, &str) {
    fixture.mongodb().expect("this runs on MongoDB")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_scans_a_collection() {
    run(Kind::mongodb, async |fixture| {
        let (uri, name) = database(fixture);
        fixture.store().await.shutdown().await;
        let client = mongodb::Client::with_uri_str(uri).await.expect("connects");
        let database = client.database(name);
        database
            .run_command(doc! { "profile": 2 })
            .await
            .expect("profiles");

        let store = Store::open_mongodb(uri, name, "node").await.expect("opens");
        use_everything(&store).await;
        store.shutdown().await;

        database
            .run_command(doc! { "profile": 0 })
            .await
            .expect("stops");
        let profile = database.collection::<Document>("system.profile");
        let ours = doc! { "ns": { "$ne": format!("{name}.system.profile") } };
        let seen: Vec<Document> = profile
            .find(ours)
            .await
            .expect("read")
            .try_collect()
            .await
            .expect("read");
        let plan = |doc: &Document| doc.get_str("planSummary").unwrap_or_default().to_owned();
        let scans: Vec<_> = seen
            .iter()
            .filter(|doc| plan(doc).contains("COLLSCAN"))
            .collect();
        assert!(scans.is_empty(), "{scans:#?}");
        let index_scans = seen
            .iter()
            .filter(|doc| plan(doc).contains("IXSCAN"))
            .count();
        assert!(index_scans > 20, "{index_scans} of {}", seen.len());
        let sorts: Vec<_> = seen
            .iter()
            .filter(|doc| doc.contains_key("hasSortStage"))
            .collect();
        assert!(sorts.is_empty(), "{sorts:#?}");
    })
    .await;
}

/// Every kind of statement, and a scan of every index of every table.
async fn use_everything(store: &Store) {
    for n in 0..3 {
        store
            .commit(entry(n, doc! { "rid": 1, "le": "a" }))
            .await
            .expect("commits");
    }
    let mut batch = Batch::new();
    for n in 0..3 {
        let key = [[n; 16].as_slice(), &[0; 8]].concat();
        batch.put_if(FILTER, key, None, doc! { "v": 1_i64 });
    }
    store.commit(batch).await.expect("commits");
    let key = vec![0; 24];
    store
        .put_if(FILTER, key.clone(), Some(1), &doc! { "v": 2_i64 })
        .await
        .expect("replaces");
    store
        .put(FILTER, key.clone(), &doc! { "v": 3_i64 })
        .await
        .expect("stores");
    store.delete(FILTER, key.clone()).await.expect("removes");
    store
        .take_one::<Document>(FILTER, &[1])
        .await
        .expect("takes");
    store
        .multi_get::<Document>(ROOM, &[1, 2, 9].map(log_key))
        .await
        .expect("reads");
    for table in TABLES.iter().copied() {
        store
            .scan::<Document>(table, Scan::prefix(&[]))
            .await
            .expect("scans");
        store
            .scan::<Document>(table, Scan::prefix(&[1, 2]).reverse())
            .await
            .expect("scans");
        for index in table.indexes {
            for length in 0..=index.fields.len() {
                let scan = Scan::index(index.name, vec![Bson::Int64(1); length]);
                store
                    .scan::<Document>(table, scan.clone())
                    .await
                    .expect("scans");
                store
                    .scan::<Document>(table, scan.reverse().limit(2))
                    .await
                    .expect("scans");
            }
        }
    }
    let start = "g1".parse().expect("a cut");
    store.changes(&start, &store.cut()).await.expect("changes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_names_what_was_written() {
    run(Kind::mongodb, async |fixture| {
        let (uri, name) = database(fixture);
        let store = fixture.store().await;
        let engine = MongoEngine::open(uri, name).await.expect("opens");
        let mut feed = engine
            .watch()
            .await
            .expect("opens")
            .expect("MongoDB has one");

        store
            .commit(entry(1, doc! { "rid": 1 }))
            .await
            .expect("commits");
        let (table, key, position) = loop {
            match feed.next().await.expect("goes on").expect("is whole") {
                Told::Document {
                    table,
                    key,
                    position,
                    ..
                } => break (table, key, position),
                Told::Writer(_) | Told::Signal(_) => {}
            }
        };

        assert_eq!(table, ROOM);
        let stored: Document = store
            .get(ROOM, &key)
            .await
            .expect("read")
            .expect("is there");
        assert_eq!(stored.get_i64("s").ok(), Some(position.s as i64));
        store.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_can_read_the_documents() {
    run(Kind::mongodb, async |fixture| {
        let (uri, name) = database(fixture);
        let store = fixture.store().await;
        let mut batch = Batch::new();
        let doc = doc! { "rid": 1_i64, "type": "m.room.message" };
        batch.insert_stamped(ROOM, log_key(1), doc, Stamp::Position);
        store.commit(batch).await.expect("commits");

        let client = mongodb::Client::with_uri_str(uri).await.expect("connects");
        let rooms = client.database(name).collection::<Document>(ROOM.name);
        let found = rooms
            .find_one(doc! { "type": "m.room.message" })
            .await
            .expect("read");

        let found = found.expect("is there");
        let id = found.get_binary_generic("_id").expect("a generic binary");
        assert_eq!(id, &log_key(1));
        assert_eq!(
            (found.get_i64("w").ok(), found.get_i64("s").ok()),
            (Some(1), Some(1))
        );
        store.shutdown().await;
    })
    .await;
}
