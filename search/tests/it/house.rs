//! Rooms, and an index that follows them.

use std::{collections::HashSet, path::Path, sync::Arc};

use gantry_model::{
    MockClock, Object, RoomVersion, SeededRng, ServerSigningKey, Value,
    canonical_json::parse_object,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, ServerName, UserId},
};
use gantry_rooms::{Identity, NewEvent, Rooms, RoomsConfig};
use gantry_search::{Found, Key, Order, Question, Search, SearchConfig, Term};
use gantry_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) struct House {
    pub(crate) rooms: Rooms,
    pub(crate) search: Search,
    pub(crate) clock: Arc<MockClock>,
    store: Store,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl House {
    pub(crate) async fn open(folder: &Path) -> Self {
        let store = Store::open_redb(folder.join("one.redb")).await.unwrap();
        let clock = Arc::new(MockClock::new(1_700_000_000_000));
        let key = ServerSigningKey::from_seed("test", &[1; 32]);
        let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
        let rooms = Rooms::new(RoomsConfig {
            identity: Identity::new(ServerName::parse("one").unwrap(), key),
            store: store.clone(),
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(store.cut().marks().map(|mark| mark.s).sum())),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        let search = Search::new(SearchConfig {
            folder: folder.join("search"),
            rooms: rooms.clone(),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        search.start();
        Self {
            rooms,
            search,
            clock,
            store,
            stop,
            tracker,
        }
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
        self.store.shutdown().await;
    }

    /// A room of Alice.
    pub(crate) async fn room(&self) -> OwnedRoomId {
        self.clock.advance(1);
        let alice = alice();
        let events = vec![NewEvent::state(
            alice.clone(),
            "m.room.member",
            alice.as_str(),
            object(r#"{"membership":"join"}"#),
        )];
        let create = object(r#"{"room_version":"11"}"#);
        let created = self.rooms.create(RoomVersion::V11, &alice, create, events);
        created.await.unwrap()
    }

    pub(crate) async fn submit(&self, room: &RoomId, event: NewEvent) -> OwnedEventId {
        self.clock.advance(1);
        self.rooms.submit(room, event).await.unwrap().event_id
    }

    pub(crate) async fn say(&self, room: &RoomId, text: &str) -> OwnedEventId {
        let mut content = object(r#"{"msgtype":"m.text"}"#);
        content.insert("body", Value::from(text));
        let event = NewEvent::message(alice(), "m.room.message", content);
        self.submit(room, event).await
    }

    /// What is found in these rooms, after everything is in the index.
    pub(crate) async fn found(&self, rooms: &[&RoomId], term: &str) -> Found {
        self.search.caught_up(&self.rooms.store_cut()).await;
        let mut numbers = HashSet::new();
        for room in rooms {
            numbers.insert(self.rooms.get(room).await.unwrap().number());
        }
        self.search.ask(question(numbers, term)).await.unwrap()
    }

    /// The texts of what is found in a room.
    pub(crate) async fn texts(&self, room: &RoomId, term: &str) -> Vec<String> {
        let found = self.found(&[room], term).await;
        let mut texts = Vec::new();
        for hit in found.hits {
            let events = self.rooms.events_at(room, &[hit.pos].into()).await.unwrap();
            let event = events.first().unwrap();
            let text = ["body", "name", "topic"]
                .into_iter()
                .find_map(|key| event.pdu.content_str(key));
            texts.push(text.unwrap_or_default().to_owned());
        }
        texts
    }
}

pub(crate) fn question(rooms: HashSet<u64>, term: &str) -> Question {
    Question {
        term: Term::parse(term),
        keys: Key::ALL.to_vec(),
        rooms: Arc::new(rooms),
        senders: None,
        not_senders: Vec::new(),
        has_url: None,
        order: Order::Rank,
        after: None,
        limit: 50,
    }
}

pub(crate) fn alice() -> OwnedUserId {
    UserId::parse("@alice:one").unwrap()
}

pub(crate) fn object(text: &str) -> Object {
    parse_object(text.as_bytes()).unwrap()
}
