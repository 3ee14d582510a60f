//! Cursors, and destinations that several nodes on one MongoDB share, where
//! `GANTRY_TEST_MONGODB_URI` names one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use gantry_model::{
    Object, RoomVersion, ServerSigningKey, SystemClock, SystemRng, Value,
    canonical_json::parse_object,
    id::{EventId, OwnedRoomId, OwnedUserId, UserId},
};
use gantry_rooms::{Arrival, Identity, Ingested, NewEvent, RoomsConfig};
use gantry_store::{Engine, MongoEngine, PARTS, RedbEngine, Store, part_of, testing::Applying};

use super::*;
use crate::{SendFailed, Transaction, cursor::Ledger};

const PATIENCE: Duration = Duration::from_mins(1);
/// How often cursors are stored.
const FLUSH: Duration = Duration::from_secs(1);
/// Other servers in the room.
const SERVERS: usize = 24;

/// What arrived: server, event, how often.
type Arrived = Arc<Mutex<BTreeMap<(String, String), usize>>>;

/// The way from one node to all other servers.
struct Wire {
    arrived: Arrived,
    is_cut: Arc<AtomicBool>,
}

#[async_trait]
impl Destination for Wire {
    async fn send(&self, server: &ServerName, transaction: &Transaction) -> Result<(), SendFailed> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(SendFailed("cut".to_owned()));
        }
        let mut arrived = self.arrived.lock();
        for pdu in &transaction.pdus {
            let key = (server.to_string(), pdu.event_id().to_string());
            *arrived.entry(key).or_default() += 1;
        }
        Ok(())
    }
}

struct Node {
    outbox: Outbox,
    rooms: Rooms,
    store: Store,
    is_cut: Arc<AtomicBool>,
    is_paused: Arc<AtomicBool>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Node {
    async fn open(engine: impl Engine, name: &str, flush: Duration, arrived: &Arrived) -> Self {
        let is_paused = Arc::new(AtomicBool::new(false));
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let pausing = Arc::clone(&is_paused);
        let engine = Applying::new(engine, move |inner, batches| {
            let is_paused = pausing.load(Ordering::SeqCst);
            async move {
                match is_paused {
                    true => Err(StoreError::Unavailable("paused".into())),
                    false => inner.apply(batches).await,
                }
            }
        });
        let store = Store::open(Arc::new(engine), name).await.unwrap();
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let key = ServerSigningKey::from_seed("test", &[1; 32]);
        let rooms = Rooms::new(RoomsConfig {
            identity: Identity::new(ServerName::parse("one").unwrap(), key),
            store: store.clone(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        let outbox = Outbox::new(OutboxConfig {
            store: store.clone(),
            rooms: rooms.clone(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
            tracker: tracker.clone(),
            stop: stop.clone(),
            backoff: Backoff {
                min_ms: 100,
                max_ms: 200,
            },
            flush,
            concurrency: 8,
        });
        let is_cut = Arc::new(AtomicBool::new(false));
        outbox.start(Arc::new(Wire {
            arrived: Arc::clone(arrived),
            is_cut: Arc::clone(&is_cut),
        }));
        Self {
            outbox,
            rooms,
            store,
            is_cut,
            is_paused,
            stop,
            tracker,
        }
    }

    async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.store.shutdown().await;
    }

    /// The parts that this node has.
    fn parts(&self) -> BTreeSet<u16> {
        self.outbox.0.shares.lock().parts().collect()
    }

    /// How far a server has come by what is stored.
    async fn stored_cursor(&self, server: &str) -> Option<Cut> {
        let part = self
            .store
            .take_part::<Ledger>(shares::KIND, part_of(server));
        let part = part.await.unwrap().unwrap();
        let mut rows = part.body().servers.iter();
        let own = rows.find(|row| row.server == server);
        let cursor = own.and_then(|row| row.cursor.as_deref());
        let cursor = cursor.or(part.body().cursor.as_deref());
        cursor.map(|cursor| cursor.parse().unwrap())
    }

    async fn say(&self, room: &OwnedRoomId, text: &str) -> String {
        let content = Object::from([("body".to_owned(), text.into())]);
        let message = NewEvent::message(alice(), "m.room.message", content);
        let said = self.rooms.submit(room, message).await.unwrap();
        said.event_id.to_string()
    }
}

fn alice() -> OwnedUserId {
    UserId::parse("@alice:one").unwrap()
}

fn object(text: &str) -> Object {
    parse_object(text.as_bytes()).unwrap()
}

fn servers() -> impl Iterator<Item = String> {
    (0..SERVERS).map(|n| format!("server{n}.example"))
}

fn join(user: &UserId) -> NewEvent {
    let content = object(r#"{"membership":"join"}"#);
    NewEvent::state(user.to_owned(), "m.room.member", user.as_str(), content)
}

/// A public room with a member of each server.
async fn crowded_room(node: &Node) -> OwnedRoomId {
    let alice = alice();
    let create = Object::from([("room_version".to_owned(), Value::from("11"))]);
    let levels = Object::from([(alice.to_string(), Value::Int(100))]);
    let levels = Object::from([("users".to_owned(), levels.into())]);
    let state = |kind: &str, content| NewEvent::state(alice.clone(), kind, "", content);
    let events = vec![
        join(&alice),
        state("m.room.power_levels", levels),
        state("m.room.join_rules", object(r#"{"join_rule":"public"}"#)),
    ];
    let rooms = &node.rooms;
    let created = rooms.create(RoomVersion::V11, &alice, create, events);
    let room = created.await.unwrap();
    for server in servers() {
        let user = UserId::parse(format!("@user:{server}")).unwrap();
        let joined = rooms.draft(&room, join(&user)).await.unwrap();
        let taken_in = rooms.ingest(joined, Arrival::Transaction).await.unwrap();
        assert!(matches!(taken_in, Ingested::Accepted(_)), "{taken_in:?}");
    }
    room
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "{what}");
}

/// Waits until each server has got each event.
async fn all_arrive(arrived: &Arrived, events: &[String]) {
    let is_there = |server: &String| {
        let arrived = arrived.lock();
        let mut events = events.iter();
        events.all(|event| arrived.contains_key(&(server.clone(), event.clone())))
    };
    until("everything arrives", || {
        servers().all(|server| is_there(&server))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_the_destinations_and_take_over_from_each_other() {
    let uri = std::env::var("GANTRY_TEST_MONGODB_URI").ok();
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(uri.is_some() || !is_ci, "CI needs GANTRY_TEST_MONGODB_URI");
    let Some(uri) = uri else { return };
    let folder = tempfile::tempdir().unwrap();
    let unique = folder.path().file_name().unwrap().to_string_lossy();
    let database = format!("gantry_outbox_{}", unique.replace('.', ""));
    let arrived = Arrived::default();
    let open = async |name| {
        let engine = MongoEngine::open(&uri, &database).await.unwrap();
        Node::open(engine, name, FLUSH, &arrived).await
    };
    let (a, b) = (open("a").await, open("b").await);
    let is_shared_out = || {
        let (of_a, of_b) = (a.parts(), b.parts());
        !of_a.is_empty()
            && !of_b.is_empty()
            && of_a.is_disjoint(&of_b)
            && of_a.len() + of_b.len() == usize::from(PARTS)
    };
    until("each part has one node", is_shared_out).await;

    // Whoever says it: it is sent once.
    let room = crowded_room(&a).await;
    let mut said = Vec::new();
    for n in 0..5 {
        said.push(a.say(&room, &format!("a{n}")).await);
        said.push(b.say(&room, &format!("b{n}")).await);
    }
    all_arrive(&arrived, &said).await;
    assert!(arrived.lock().values().all(|count| *count == 1));

    // What a node could not deliver before it fell silent the other delivers.
    let of_b = b.parts();
    b.is_cut.store(true, Ordering::SeqCst);
    let mut waiting = vec![a.say(&room, "into the dark").await];
    tokio::time::sleep(FLUSH * 3).await;
    b.is_paused.store(true, Ordering::SeqCst);
    waiting.push(a.say(&room, "into the void").await);
    all_arrive(&arrived, &waiting).await;
    until("all parts are taken over", || {
        a.parts().len() == usize::from(PARTS)
    })
    .await;

    // It gets its parts back when it is there again, and what it knew of before does no harm.
    b.is_cut.store(false, Ordering::SeqCst);
    b.is_paused.store(false, Ordering::SeqCst);
    until("the parts are shared out again", || {
        is_shared_out() && b.parts() == of_b
    })
    .await;
    let last = [a.say(&room, "from a").await, b.say(&room, "from b").await];
    all_arrive(&arrived, &last).await;

    // A node that stops leaves what waits to the other at once.
    a.is_cut.store(true, Ordering::SeqCst);
    let left = [a.say(&room, "good night").await];
    a.close().await;
    all_arrive(&arrived, &left).await;
    b.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_much_that_was_delivered_the_cursor_is_stored_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let arrived = Arrived::default();
    let engine = RedbEngine::open(&folder.path().join("store"))
        .await
        .unwrap();
    let node = Node::open(engine, "a", FLUSH * 3600, &arrived).await;
    let room = crowded_room(&node).await;
    node.is_cut.store(true, Ordering::SeqCst);
    let mut said = Vec::new();
    for n in 0..120 {
        said.push(node.say(&room, &n.to_string()).await);
    }
    node.is_cut.store(false, Ordering::SeqCst);
    all_arrive(&arrived, &said).await;

    // The last few may be forgotten: they are sent again.
    let event = EventId::parse(&said[100]).unwrap();
    let event = node.rooms.event(&room, &event).await.unwrap().unwrap();
    for server in servers() {
        let wait = async {
            while !node
                .stored_cursor(&server)
                .await
                .is_some_and(|cut| cut.contains(event.position))
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        assert!(waited.is_ok(), "{server}");
    }
    node.close().await;
}
