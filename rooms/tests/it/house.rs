//! A server's rooms for a test, and how they are made.

use std::sync::Arc;

use gantry_model::{
    MockClock, Object, RoomVersion, SeededRng, ServerSigningKey, Value,
    canonical_json::parse_object,
    id::{OwnedRoomId, OwnedUserId, ServerName, UserId},
};
use gantry_rooms::{Identity, NewEvent, Result, Rooms, RoomsConfig};
use gantry_store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The rooms of one server.
pub(crate) struct House {
    pub(crate) rooms: Rooms,
    pub(crate) store: Store,
    pub(crate) clock: Arc<MockClock>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl House {
    pub(crate) async fn open(folder: &std::path::Path, server: &str, seed: u64) -> Self {
        let store = Store::open_redb(folder.join(format!("{server}.redb")))
            .await
            .unwrap();
        Self::on(store, server, seed)
    }

    /// A server on a store that is open.
    pub(crate) fn on(store: Store, server: &str, seed: u64) -> Self {
        let clock = Arc::new(MockClock::new(1_700_000_000_000));
        let key = ServerSigningKey::from_seed("test", &[server.len() as u8; 32]);
        let identity = Identity::new(ServerName::parse(server).unwrap(), key);
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let rooms = Rooms::new(RoomsConfig {
            identity,
            store: store.clone(),
            clock: clock.clone(),
            rng: Arc::new(SeededRng::new(seed)),
            tracker: tracker.clone(),
            stop: stop.clone(),
        });
        Self {
            rooms,
            store,
            clock,
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

    /// A public room of `creator`.
    pub(crate) async fn public_room(&self, version: RoomVersion, creator: &UserId) -> OwnedRoomId {
        self.try_public_room(version, creator).await.unwrap()
    }

    /// The same where the store may fail.
    pub(crate) async fn try_public_room(
        &self,
        version: RoomVersion,
        creator: &UserId,
    ) -> Result<OwnedRoomId> {
        let mut create = object("{}");
        create.insert("room_version", version.as_str().into());
        if !version.rules().creator_is_sender {
            create.insert("creator", creator.as_str().into());
        }
        let mut levels = Object::new();
        if !version.rules().privileged_creators {
            levels.insert(
                "users".to_owned(),
                Object::from([(creator.to_string(), Value::Int(100))]).into(),
            );
        }
        let state =
            |kind: &str, content: Object| NewEvent::state(creator.to_owned(), kind, "", content);
        let events = vec![
            member(creator, creator, "join"),
            state("m.room.power_levels", levels),
            state("m.room.join_rules", object(r#"{"join_rule":"public"}"#)),
            state(
                "m.room.history_visibility",
                object(r#"{"history_visibility":"shared"}"#),
            ),
        ];
        self.rooms.create(version, creator, create, events).await
    }

    /// Sends a text and returns its id.
    pub(crate) async fn say(
        &self,
        room: &gantry_model::id::RoomId,
        user: &UserId,
        text: &str,
    ) -> gantry_model::id::OwnedEventId {
        self.rooms
            .submit(room, message(user, text))
            .await
            .unwrap()
            .event_id
    }
}

pub(crate) fn object(text: &str) -> Object {
    parse_object(text.as_bytes()).unwrap()
}

pub(crate) fn user(id: &str) -> OwnedUserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn member(sender: &UserId, target: &UserId, membership: &str) -> NewEvent {
    let content = Object::from([("membership".to_owned(), membership.into())]);
    NewEvent::state(sender.to_owned(), "m.room.member", target.as_str(), content)
}

pub(crate) fn message(sender: &UserId, text: &str) -> NewEvent {
    let content = Object::from([
        ("msgtype".to_owned(), "m.text".into()),
        ("body".to_owned(), text.into()),
    ]);
    NewEvent::message(sender.to_owned(), "m.room.message", content)
}
