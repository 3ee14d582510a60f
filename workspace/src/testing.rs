//! What the tests of this crate share.

use std::sync::Arc;

use gantry_model::id::{OwnedRoomId, OwnedUserId};
use gantry_model::{Clock, MockClock, Rng, SeededRng};
use gantry_rooms::{Identity, Rooms, RoomsConfig};
use gantry_store::Store;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Workspace, WorkspaceConfig};

pub(crate) async fn workspace_with_clock() -> (Workspace, Arc<MockClock>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_redb(dir.path().join("test.redb"))
        .await
        .unwrap();
    let mock = Arc::new(MockClock::new(1_700_000_000_000));
    let clock: Arc<dyn Clock> = mock.clone();
    let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(7));
    let server = "here.org".try_into().unwrap();
    let identity = Identity::load(&store, server, &*rng, &*clock)
        .await
        .unwrap();
    let rooms = Rooms::new(RoomsConfig {
        identity,
        store: store.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    });
    let config = WorkspaceConfig {
        store,
        rooms,
        clock,
        rng,
        site_url: "http://here.org".to_owned(),
        site_name: "here.org".to_owned(),
    };
    (Workspace::new(config), mock, dir)
}

pub(crate) async fn workspace() -> (Workspace, TempDir) {
    let (workspace, _, dir) = workspace_with_clock().await;
    (workspace, dir)
}

/// What another process on the same store is made from.
pub(crate) fn config_of(workspace: &Workspace) -> WorkspaceConfig {
    let inner = &*workspace.inner;
    WorkspaceConfig {
        store: inner.store.clone(),
        rooms: inner.rooms.clone(),
        clock: inner.clock.clone(),
        rng: inner.rng.clone(),
        site_url: inner.site_url.clone(),
        site_name: inner.site_name.clone(),
    }
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    format!("@{name}:here.org").try_into().unwrap()
}

pub(crate) fn room(name: &str) -> OwnedRoomId {
    format!("!{name}:here.org").try_into().unwrap()
}
