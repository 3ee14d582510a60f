//! Engines for tests, each on its own fresh data.

use std::collections::BTreeMap;
use std::ops::AsyncFnOnce;
use std::sync::Arc;

use futures::FutureExt as _;
use gantry_store::bson::Document;
use gantry_store::testing::torn;
use gantry_store::{
    Batch, Engine, Key, MongoEngine, Moved, Outcome, RedbEngine, Result, Scan, Store, Table,
};
use tempfile::TempDir;

/// Which engine.
#[derive(Clone, Copy)]
#[expect(
    non_camel_case_types,
    reason = "the names are those of the test modules"
)]
pub(crate) enum Kind {
    redb,
    mongodb,
    torn,
}

/// Data that outlives the stores opened on it.
pub(crate) struct Fixture {
    kind: Kind,
    directory: TempDir,
    /// URI and name of the database.
    mongodb: Option<(String, String)>,
}

/// Runs a test on one engine, unless there is no such server here, and cleans up.
pub(crate) async fn run(kind: Kind, test: impl AsyncFnOnce(&Fixture)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let uri = match kind {
        Kind::mongodb => mongodb_uri(),
        Kind::redb | Kind::torn => None,
    };
    if matches!(kind, Kind::mongodb) && uri.is_none() {
        return;
    }
    // The directory's name is random; the database gets the same.
    let name = directory
        .path()
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .replace('.', "");
    let mongodb = uri.map(|uri| (uri, format!("gantry_test_{name}")));
    let fixture = Fixture {
        kind,
        directory,
        mongodb,
    };

    let result = std::panic::AssertUnwindSafe(test(&fixture))
        .catch_unwind()
        .await;

    let other = mongodb_uri().map(|uri| (uri, fixture.other_database()));
    for (uri, name) in fixture.mongodb.iter().chain(&other) {
        let client = mongodb::Client::with_uri_str(uri)
            .await
            .expect("the test server");
        client.database(name).drop().await.expect("dropped");
    }
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// The server for tests. In CI it must be there.
fn mongodb_uri() -> Option<String> {
    let uri = std::env::var("GANTRY_TEST_MONGODB_URI").ok();
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(uri.is_some() || !is_ci, "CI needs GANTRY_TEST_MONGODB_URI");
    uri
}

impl Fixture {
    /// An engine on the data of this fixture; redb allows one at a time.
    pub(crate) async fn engine(&self) -> Arc<dyn Engine> {
        match &self.mongodb {
            Some((uri, name)) => Arc::new(MongoEngine::open(uri, name).await.expect("opens")),
            None => {
                let path = self.directory.path().join("store.redb");
                Arc::new(RedbEngine::open(&path).await.expect("opens"))
            }
        }
    }

    /// A store on an engine, which loses answers if the fixture is of that kind.
    pub(crate) async fn store_on(&self, engine: &Arc<dyn Engine>) -> Store {
        let engine = match self.kind {
            Kind::redb | Kind::mongodb => Arc::clone(engine),
            Kind::torn => Arc::new(torn(Arc::clone(engine), 0x5eed)),
        };
        Store::open(engine, "node").await.expect("opens")
    }

    /// A store on the data of this fixture.
    pub(crate) async fn store(&self) -> Store {
        self.store_on(&self.engine().await).await
    }

    /// A folder for files of the test.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Puts a backup into an empty store of the engine that this fixture is not of, where there is
    /// such a server.
    pub(crate) async fn restore_into_other(&self, folder: &std::path::Path) -> Result<Moved> {
        match (&self.mongodb, mongodb_uri()) {
            (None, Some(uri)) => {
                let name = self.other_database();
                Store::restore_mongodb(&uri, &name, folder, 0).await
            }
            _ => Store::restore_redb(&self.path().join("other.redb"), folder, 0).await,
        }
    }

    /// The store that was restored so.
    pub(crate) async fn other_store(&self) -> Store {
        match (&self.mongodb, mongodb_uri()) {
            (None, Some(uri)) => Store::open_mongodb(&uri, &self.other_database(), "node").await,
            _ => Store::open_redb(self.path().join("other.redb")).await,
        }
        .expect("opens")
    }

    fn other_database(&self) -> String {
        let name = self.path().file_name().expect("a name").to_string_lossy();
        format!("gantry_test_other_{}", name.replace('.', ""))
    }

    /// The database, if the engine is MongoDB.
    pub(crate) fn mongodb(&self) -> Option<(&str, &str)> {
        self.mongodb
            .as_ref()
            .map(|(uri, name)| (uri.as_str(), name.as_str()))
    }
}

/// Commits one batch.
pub(crate) async fn commit(store: &Store, build: impl FnOnce(&mut Batch)) -> Vec<Outcome> {
    let mut batch = Batch::new();
    build(&mut batch);
    store.commit(batch).await.expect("commits")
}

/// All documents of a table.
pub(crate) async fn all(store: &Store, table: &'static Table) -> BTreeMap<Key, Document> {
    store
        .scan(table, Scan::prefix(&[]))
        .await
        .expect("scans")
        .into_iter()
        .collect()
}
