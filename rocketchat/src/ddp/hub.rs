//! Who is connected, and who wants to be told of what.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use gantry_homeserver::Session;
use gantry_homeserver::workspace::rc_user_id;
use gantry_model::id::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::frame;

/// Frames that wait for one connection; a slower one is dropped.
const QUEUE: usize = 1_024;

/// The most subscriptions of one connection.
const MAX_SUBS: usize = 2_000;

/// The stream of messages.
pub(crate) const ROOM_MESSAGES: &str = "stream-room-messages";
/// The stream of what else happens in rooms.
pub(crate) const NOTIFY_ROOM: &str = "stream-notify-room";
/// The stream of what concerns one user.
pub(crate) const NOTIFY_USER: &str = "stream-notify-user";
/// The event of all messages of all rooms of the user.
pub(crate) const MY_MESSAGES: &str = "__my_messages__";

/// What a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    /// A room, in which the subscriber is.
    Room(OwnedRoomId),
    /// All rooms of the user.
    MyMessages,
    /// The user.
    User,
    /// Something that never happens here.
    Quiet,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Sub {
    pub(crate) stream: String,
    pub(crate) event: String,
    pub(crate) topic: Topic,
}

/// The number of a connection.
pub(crate) type ConnectionId = u64;

/// What a connection receives.
pub(crate) struct Inbox {
    pub(crate) id: ConnectionId,
    pub(crate) frames: mpsc::Receiver<Arc<str>>,
    /// Cancelled when the connection has to end.
    pub(crate) cut: CancellationToken,
}

/// All connections.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Registry>);

#[derive(Default)]
struct Registry {
    last: ConnectionId,
    connections: HashMap<ConnectionId, Connection>,
    rooms: HashMap<OwnedRoomId, BTreeSet<ConnectionId>>,
    users: HashMap<OwnedUserId, BTreeSet<ConnectionId>>,
    my_messages: BTreeSet<ConnectionId>,
}

struct Connection {
    frames: mpsc::Sender<Arc<str>>,
    cut: CancellationToken,
    session: Option<Session>,
    subs: HashMap<String, Sub>,
}

impl Connection {
    fn has(&self, stream: &str, event: &str) -> bool {
        self.subs
            .values()
            .any(|sub| sub.stream == stream && sub.event == event)
    }

    fn send(&self, frame: Arc<str>) {
        if self.frames.try_send(frame).is_err() {
            self.cut.cancel();
        }
    }
}

impl Hub {
    /// A new connection.
    pub(crate) fn connect(&self) -> Inbox {
        let (sender, frames) = mpsc::channel(QUEUE);
        let cut = CancellationToken::new();
        let mut registry = self.0.lock();
        registry.last += 1;
        let id = registry.last;
        let connection = Connection {
            frames: sender,
            cut: cut.clone(),
            session: None,
            subs: HashMap::new(),
        };
        registry.connections.insert(id, connection);
        Inbox { id, frames, cut }
    }

    /// A number that differs from one asking to the next.
    pub(crate) fn ticket(&self) -> u32 {
        let mut registry = self.0.lock();
        registry.last += 1;
        (registry.last as u32).wrapping_mul(2_654_435_761)
    }

    /// A connection ended.
    pub(crate) fn disconnect(&self, id: ConnectionId) {
        let mut registry = self.0.lock();
        let Some(connection) = registry.connections.remove(&id) else {
            return;
        };
        if let Some(session) = connection.session {
            forget(&mut registry.users, &*session.user_id, id);
        }
        for sub in connection.subs.into_values() {
            registry.unindex(id, &sub.topic);
        }
    }

    /// Who speaks on a connection.
    pub(crate) fn log_in(&self, id: ConnectionId, session: Session) {
        let mut registry = self.0.lock();
        let Some(connection) = registry.connections.get_mut(&id) else {
            return;
        };
        let before = connection.session.replace(session.clone());
        if let Some(before) = before {
            forget(&mut registry.users, &*before.user_id, id);
        }
        registry
            .users
            .entry(session.user_id)
            .or_default()
            .insert(id);
    }

    /// Adds a subscription. False: there are too many.
    pub(crate) fn subscribe(&self, id: ConnectionId, sub_id: &str, sub: Sub) -> bool {
        let mut registry = self.0.lock();
        let Some(connection) = registry.connections.get_mut(&id) else {
            return false;
        };
        if connection.subs.len() >= MAX_SUBS {
            return false;
        }
        let topic = sub.topic.clone();
        let before = connection.subs.insert(sub_id.to_owned(), sub);
        if let Some(before) = before {
            registry.unindex(id, &before.topic);
        }
        registry.index(id, &topic);
        true
    }

    /// Removes a subscription.
    pub(crate) fn unsubscribe(&self, id: ConnectionId, sub_id: &str) {
        let mut registry = self.0.lock();
        let connection = registry.connections.get_mut(&id);
        if let Some(sub) = connection.and_then(|connection| connection.subs.remove(sub_id)) {
            registry.unindex(id, &sub.topic);
        }
    }

    /// Whether nobody is logged in.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.lock().users.is_empty()
    }

    /// One session of every user who is connected.
    pub(crate) fn users(&self) -> Vec<Session> {
        let registry = self.0.lock();
        let first =
            |ids: &BTreeSet<ConnectionId>| registry.connections.get(ids.first()?)?.session.clone();
        registry.users.values().filter_map(first).collect()
    }

    /// Tells a user's connections that asked for `event` of the stream about users.
    pub(crate) fn tell_user<T: Serialize>(&self, user: &UserId, event: &str, args: &T) {
        let registry = self.0.lock();
        let Some(ids) = registry.users.get(user) else {
            return;
        };
        let event = format!("{}/{event}", rc_user_id(user));
        let mut frame = None;
        for connection in ids.iter().filter_map(|id| registry.connections.get(id)) {
            if connection.has(NOTIFY_USER, &event) {
                let frame: &Arc<str> =
                    frame.get_or_insert_with(|| frame::changed(NOTIFY_USER, &event, args).into());
                connection.send(frame.clone());
            }
        }
    }

    /// Tells everybody who asked for an event of a room, and who may know.
    pub(crate) fn tell_room<T: Serialize>(
        &self,
        room: &RoomId,
        (stream, event): (&str, &str),
        args: &T,
        may: impl Fn(&UserId) -> bool,
    ) {
        let registry = self.0.lock();
        let Some(ids) = registry.rooms.get(room) else {
            return;
        };
        let mut frame = None;
        for connection in ids.iter().filter_map(|id| registry.connections.get(id)) {
            let user = connection.session.as_ref().map(|session| &session.user_id);
            if user.is_some_and(|user| may(user)) && connection.has(stream, event) {
                let frame: &Arc<str> =
                    frame.get_or_insert_with(|| frame::changed(stream, event, args).into());
                connection.send(frame.clone());
            }
        }
    }

    /// Tells everybody who asked for all messages, and who may know.
    pub(crate) fn tell_my_messages<T: Serialize>(&self, args: &T, may: impl Fn(&UserId) -> bool) {
        let registry = self.0.lock();
        let mut frame = None;
        for id in &registry.my_messages {
            let Some(connection) = registry.connections.get(id) else {
                continue;
            };
            let user = connection.session.as_ref().map(|session| &session.user_id);
            if user.is_some_and(|user| may(user)) {
                let frame: &Arc<str> = frame
                    .get_or_insert_with(|| frame::changed(ROOM_MESSAGES, MY_MESSAGES, args).into());
                connection.send(frame.clone());
            }
        }
    }

    /// The rooms that somebody asked for events of, each with a session of one of those.
    pub(crate) fn watched(&self) -> Vec<(OwnedRoomId, Session)> {
        let registry = self.0.lock();
        let first = |ids: &BTreeSet<ConnectionId>| {
            ids.iter()
                .find_map(|id| registry.connections.get(id)?.session.clone())
        };
        let rooms = registry.rooms.iter();
        rooms
            .filter_map(|(room, ids)| Some((room.clone(), first(ids)?)))
            .collect()
    }

    /// Ends a user's subscriptions to a room that he is no longer in.
    pub(crate) fn cut_room(&self, user: &UserId, room: &RoomId) {
        let mut registry = self.0.lock();
        let ids = registry.users.get(user).cloned().unwrap_or_default();
        let topic = Topic::Room(room.to_owned());
        for id in ids {
            let Some(connection) = registry.connections.get_mut(&id) else {
                continue;
            };
            let ended: Vec<String> = connection
                .subs
                .iter()
                .filter(|(_, sub)| sub.topic == topic)
                .map(|(sub, _)| sub.clone())
                .collect();
            for sub in ended {
                connection.subs.remove(&sub);
                connection.send(frame::nosub(&sub, None).into());
            }
            forget(&mut registry.rooms, room, id);
        }
    }

    /// Ends the connections of a session that was ended.
    pub(crate) fn cut_session(&self, session: &Session) {
        let registry = self.0.lock();
        let Some(ids) = registry.users.get(&session.user_id) else {
            return;
        };
        for connection in ids.iter().filter_map(|id| registry.connections.get(id)) {
            let own = connection.session.as_ref();
            if own.is_some_and(|own| own.token_key == session.token_key) {
                connection.cut.cancel();
            }
        }
    }
}

impl Registry {
    fn index(&mut self, id: ConnectionId, topic: &Topic) {
        match topic {
            Topic::Room(room) => {
                self.rooms.entry(room.clone()).or_default().insert(id);
            }
            Topic::MyMessages => {
                self.my_messages.insert(id);
            }
            Topic::User | Topic::Quiet => {}
        }
    }

    /// After a subscription was removed; another one of the connection may have the same topic.
    fn unindex(&mut self, id: ConnectionId, topic: &Topic) {
        let connection = self.connections.get(&id);
        if connection.is_some_and(|one| one.subs.values().any(|sub| sub.topic == *topic)) {
            return;
        }
        match topic {
            Topic::Room(room) => forget(&mut self.rooms, &**room, id),
            Topic::MyMessages => {
                self.my_messages.remove(&id);
            }
            Topic::User | Topic::Quiet => {}
        }
    }
}

fn forget<K, Q>(index: &mut HashMap<K, BTreeSet<ConnectionId>>, key: &Q, id: ConnectionId)
where
    K: std::borrow::Borrow<Q> + std::hash::Hash + Eq,
    Q: std::hash::Hash + Eq + ?Sized,
{
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "@alice:here.org";

    fn session(user: &str) -> Session {
        Session::new(user.try_into().unwrap(), "D".into(), [1; 32])
    }

    fn room() -> OwnedRoomId {
        "!room:here.org".try_into().unwrap()
    }

    fn sub(event: &str, topic: Topic) -> Sub {
        Sub {
            stream: ROOM_MESSAGES.to_owned(),
            event: event.to_owned(),
            topic,
        }
    }

    #[test]
    fn an_event_goes_to_those_who_asked_and_may_know() {
        let hub = Hub::default();
        let (mut one, mut other) = (hub.connect(), hub.connect());
        hub.log_in(one.id, session(ALICE));
        hub.log_in(other.id, session("@bob:here.org"));
        for inbox in [&one, &other] {
            assert!(hub.subscribe(inbox.id, "1", sub("RID", Topic::Room(room()))));
        }

        hub.tell_room(&room(), (ROOM_MESSAGES, "RID"), &["x"], |user| {
            user == ALICE
        });
        hub.tell_room(&room(), (ROOM_MESSAGES, "OTHER"), &["x"], |_| true);

        assert!(one.frames.try_recv().unwrap().contains(r#""args":["x"]"#));
        assert!(one.frames.try_recv().is_err());
        assert!(other.frames.try_recv().is_err());
    }

    #[test]
    fn a_slow_connection_is_cut() {
        let hub = Hub::default();
        let inbox = hub.connect();
        hub.log_in(inbox.id, session(ALICE));
        hub.subscribe(inbox.id, "1", sub("RID", Topic::Room(room())));

        for _ in 0..=QUEUE {
            hub.tell_room(&room(), (ROOM_MESSAGES, "RID"), &["x"], |_| true);
        }

        assert!(inbox.cut.is_cancelled());
    }

    #[test]
    fn who_leaves_a_room_hears_no_more_of_it() {
        let hub = Hub::default();
        let mut inbox = hub.connect();
        hub.log_in(inbox.id, session(ALICE));
        hub.subscribe(inbox.id, "1", sub("RID", Topic::Room(room())));

        hub.cut_room(ALICE.try_into().unwrap(), &room());
        hub.tell_room(&room(), (ROOM_MESSAGES, "RID"), &["x"], |_| true);

        assert_eq!(
            &*inbox.frames.try_recv().unwrap(),
            r#"{"msg":"nosub","id":"1"}"#
        );
        assert!(inbox.frames.try_recv().is_err());
        assert!(hub.watched().is_empty());
    }

    #[test]
    fn nothing_is_left_of_a_connection_that_ended() {
        let hub = Hub::default();
        let inbox = hub.connect();
        hub.log_in(inbox.id, session(ALICE));
        hub.subscribe(inbox.id, "1", sub("RID", Topic::Room(room())));
        hub.subscribe(inbox.id, "2", sub(MY_MESSAGES, Topic::MyMessages));

        hub.unsubscribe(inbox.id, "1");
        hub.disconnect(inbox.id);

        let registry = hub.0.lock();
        assert!(registry.connections.is_empty() && registry.rooms.is_empty());
        assert!(registry.users.is_empty() && registry.my_messages.is_empty());
    }

    #[test]
    fn a_session_that_ended_ends_its_connections() {
        let hub = Hub::default();
        let (one, other) = (hub.connect(), hub.connect());
        hub.log_in(one.id, session(ALICE));
        hub.log_in(
            other.id,
            Session {
                token_key: [2; 32],
                ..session(ALICE)
            },
        );

        hub.cut_session(&session(ALICE));

        assert!(one.cut.is_cancelled() && !other.cut.is_cancelled());
    }
}
