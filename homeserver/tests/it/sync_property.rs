//! Clients that only see what syncs tell them know the server's state, and each event once:
//! random histories of a room that two servers write to, with forks, resolutions and soft-fails.
//!
//! A few histories, always the same ones; `GANTRY_SYNC_CASES` sets how many new ones are tried
//! instead.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use gantry_homeserver::{
    Direction, EventFilter, FeedOptions, JoinedChange, LeftChange, Membership, MessagesQuery,
    NewMessage, PageToken, RoomEvent, Session, SyncToken, TimelineKey, UserChanges,
};
use gantry_model::{
    Object, Pdu, RoomVersion,
    id::{OwnedEventId, OwnedRoomId, UserId},
};
use gantry_rooms::{Arrival, GivenState, JoinImport, NewEvent, Rooms};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use crate::harness::{Server, house, json};

type State = BTreeMap<(String, String), OwnedEventId>;

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody of ours says something.
    Say(Who),
    /// Somebody of ours sets a state event.
    Set(Who, u8),
    /// Alice gives levels: Bob may, or may not, set state.
    Levels(bool),
    /// Carol comes, or goes.
    Carol(bool),
    /// Alice removes Carol.
    Kick,
    /// Bob, of the other server, says something.
    BobSays,
    /// Bob sets a state event.
    BobSets(u8),
    /// Bob removes Carol.
    BobKicks,
    /// Some of what the other server wrote arrives here.
    Receive(u8),
    /// Some of what we wrote arrives there.
    Deliver(u8),
    /// A client syncs, with this limit.
    Sync(u8, u8),
}

#[derive(Debug, Clone, Copy)]
enum Who {
    Alice,
    Carol,
}

/// How a client keeps track of the state.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// By `state`, then by the state events of the timeline.
    Classic,
    /// By the state after the timeline.
    After,
}

/// A client that knows only what it was told.
struct Client {
    session: Session,
    way: Way,
    since: Option<SyncToken>,
    joined: Option<Known>,
}

/// What it knows of the room.
struct Known {
    state: State,
    seen: BTreeSet<OwnedEventId>,
    /// Where its knowledge of the timeline begins.
    floor: TimelineKey,
}

/// The two servers.
struct World {
    server: Server,
    other: Rooms,
    _dir: tempfile::TempDir,
    room: OwnedRoomId,
    alice: Session,
    carol: Session,
    bob: gantry_model::id::OwnedUserId,
    here: VecDeque<Pdu>,
    there: VecDeque<Pdu>,
    /// How far our log was looked at for events to send.
    sent: u64,
    count: u32,
}

impl World {
    async fn start(version: RoomVersion) -> Self {
        let server = Server::start().await;
        let dir = tempfile::tempdir().expect("a folder");
        let other = house(&dir.path().join("other.redb"), "other").await;
        let (alice, carol) = (server.user("alice").await, server.user("carol").await);
        let wish = gantry_homeserver::CreateRoom {
            preset: Some(gantry_homeserver::Preset::PublicChat),
            room_version: Some(version.to_string()),
            ..Default::default()
        };
        let hs = &server.hs;
        let room = hs.creation.create_room(&alice, wish).await.expect("works");
        let bob = UserId::parse("@bob:other").expect("a user");
        let mut world = Self {
            server,
            other,
            _dir: dir,
            room,
            alice,
            carol,
            bob,
            here: VecDeque::new(),
            there: VecDeque::new(),
            sent: 0,
            count: 0,
        };
        world.levels(true).await;
        world.join_bob().await;
        world.collect().await;
        world.here.clear();
        world
    }

    /// The handshake between the two servers.
    async fn join_bob(&self) {
        let rooms = &self.server.rooms;
        let before = rooms.get(&self.room).await.expect("a room");
        let content = json(r#"{"membership":"join"}"#);
        let join = NewEvent::state(
            self.bob.clone(),
            "m.room.member",
            self.bob.as_str(),
            content,
        );
        let template = rooms.template(&self.room, join).await.expect("works");
        let mut object = template.object;
        gantry_model::hash::set_content_hash(&mut object);
        let key = self.other.identity().key();
        key.sign_event("other", &mut object, template.version.rules());
        let join = Pdu::parse(object, template.version).expect("a PDU");
        let taken = rooms.ingest(join.clone(), Arrival::Handshake).await;
        taken.expect("works");
        let state = before.full_state();
        let chain = rooms.auth_chain_of_state(&before, &state);
        let import = JoinImport {
            version: template.version,
            join,
            given: GivenState {
                state,
                auth_chain: chain,
            },
            servers: Vec::new(),
            members_omitted: false,
        };
        self.other.import_join(import).await.expect("works");
    }

    /// What we wrote since the last time waits to be delivered.
    async fn collect(&mut self) {
        let log = self.server.rooms.log(&self.room, self.sent, 1_000).await;
        for event in log.expect("a log") {
            self.sent = event.pos;
            if event.flags.local {
                self.here.push_back((*event.pdu).clone());
            }
        }
    }

    async fn levels(&self, bob_may: bool) {
        let mut levels = json(r#"{"users":{},"events":{"m.room.name":50},"kick":50}"#);
        let mut users = Object::new();
        let view = self.server.rooms.get(&self.room).await.expect("a room");
        if !view.rules().privileged_creators {
            users.insert(self.alice.user_id.to_string(), 100.into());
        }
        users.insert(self.bob.to_string(), if bob_may { 60 } else { 0 }.into());
        levels.insert("users", users.into());
        let messaging = &self.server.hs.messaging;
        let sent = messaging
            .send_state(&self.alice, &self.room, "m.room.power_levels", "", levels)
            .await;
        sent.expect("Alice may");
    }

    fn session(&self, who: Who) -> &Session {
        match who {
            Who::Alice => &self.alice,
            Who::Carol => &self.carol,
        }
    }

    /// Refused steps are no failures: the other one may have removed who acts.
    async fn step(&mut self, step: &Step) {
        self.count += 1;
        let count = self.count;
        let body = json(&format!(r#"{{"msgtype":"m.text","body":"{count}"}}"#));
        let text = |key: &str| json(&format!(r#"{{"{key}":"{count}"}}"#));
        let state =
            |n: u8| [("m.room.topic", "topic"), ("m.room.name", "name")][usize::from(n % 2)];
        let hs = self.server.hs.clone();
        match step {
            Step::Say(who) => {
                let message = NewMessage {
                    room: self.room.clone(),
                    kind: "m.room.message".to_owned(),
                    content: body,
                    txn: None,
                    rc: None,
                    ts: None,
                };
                hs.messaging.send(self.session(*who), message).await.ok();
            }
            Step::Set(who, n) => {
                let (kind, key) = state(*n);
                let (by, messaging) = (self.session(*who), &hs.messaging);
                messaging
                    .send_state(by, &self.room, kind, "", text(key))
                    .await
                    .ok();
            }
            Step::Levels(bob_may) => self.levels(*bob_may).await,
            Step::Carol(true) => {
                let room = (&*self.room).into();
                hs.membership
                    .join(&self.carol, room, vec![], None)
                    .await
                    .ok();
            }
            Step::Carol(false) => {
                hs.membership
                    .leave(&self.carol, &self.room, None)
                    .await
                    .ok();
            }
            Step::Kick => {
                let user = &self.carol.user_id;
                hs.membership
                    .kick(&self.alice, &self.room, user, None)
                    .await
                    .ok();
            }
            Step::BobSays => {
                self.bob(NewEvent::message(self.bob.clone(), "m.room.message", body))
                    .await;
            }
            Step::BobSets(n) => {
                let (kind, key) = state(*n);
                self.bob(NewEvent::state(self.bob.clone(), kind, "", text(key)))
                    .await;
            }
            Step::BobKicks => {
                let content = json(r#"{"membership":"leave"}"#);
                let key = self.carol.user_id.as_str();
                self.bob(NewEvent::state(
                    self.bob.clone(),
                    "m.room.member",
                    key,
                    content,
                ))
                .await;
            }
            Step::Receive(n) => {
                for _ in 0..=*n {
                    if let Some(pdu) = self.there.pop_front() {
                        self.server
                            .rooms
                            .ingest(pdu, Arrival::Transaction)
                            .await
                            .ok();
                    }
                }
            }
            Step::Deliver(n) => {
                for _ in 0..=*n {
                    if let Some(pdu) = self.here.pop_front() {
                        self.other.ingest(pdu, Arrival::Transaction).await.ok();
                    }
                }
            }
            Step::Sync(..) => {}
        }
        self.collect().await;
    }

    async fn bob(&mut self, event: NewEvent) {
        if let Ok(sent) = self.other.submit(&self.room, event).await {
            let pdu = self.other.pdu(&self.room, &sent.event_id).await;
            self.there
                .extend(pdu.expect("works").map(|pdu| (*pdu).clone()));
        }
    }
}

impl Client {
    fn new(session: &Session, way: Way) -> Self {
        Self {
            session: session.clone(),
            way,
            since: None,
            joined: None,
        }
    }

    async fn sync(&mut self, world: &World, limit: u8) {
        let feed = &world.server.hs.feed;
        let options = FeedOptions {
            timeline: EventFilter {
                limit: Some(usize::from(limit)),
                ..EventFilter::default()
            },
            ..FeedOptions::default()
        };
        let upto = feed.now();
        let changes = feed
            .changes_for(&self.session, self.since.as_ref(), &upto, &options)
            .await
            .expect("works");
        let before = self.since.replace(upto);
        let UserChanges { joined, left, .. } = changes;
        for change in &left {
            self.leave(change);
        }
        for change in &joined {
            self.apply(world, change, before.as_ref()).await;
        }
        self.check_state(world).await;
    }

    fn leave(&mut self, change: &LeftChange) {
        if let (Some(mut known), Some(timeline)) = (self.joined.take(), &change.timeline) {
            known.see(&timeline.events);
        }
    }

    async fn apply(&mut self, world: &World, change: &JoinedChange, before: Option<&SyncToken>) {
        let Some(timeline) = &change.timeline else {
            return;
        };
        assert!(timeline.limited || !change.newly || timeline.state.is_empty());
        let mut known = match self.joined.take() {
            Some(known) if !change.full => known,
            _ => Known {
                state: State::new(),
                seen: BTreeSet::new(),
                floor: timeline.prev_batch,
            },
        };
        if timeline.limited && !change.full {
            let before = before.expect("a token").clone();
            known.see(&self.gap(world, timeline.prev_batch, before).await);
        }
        known.see(&timeline.events);
        known.put(timeline.state.iter().map(|pdu| &**pdu));
        match self.way {
            Way::Classic => known.put(timeline.events.iter().map(|event| &*event.pdu)),
            Way::After => {
                let changed = timeline.now.changed_since(&timeline.before);
                known.put(changed.iter().map(|pdu| &**pdu));
            }
        }
        self.joined = Some(known);
    }

    /// What a gap hides, as the client would ask for it.
    async fn gap(&self, world: &World, from: TimelineKey, before: SyncToken) -> Vec<RoomEvent> {
        let (mut found, mut from) = (Vec::new(), PageToken::Timeline(from));
        loop {
            let query = MessagesQuery {
                from: Some(from),
                to: Some(PageToken::Sync(before.clone())),
                direction: Direction::Backward,
                limit: 7,
                filter: EventFilter::default(),
            };
            let reading = &world.server.hs.reading;
            let page = reading.messages(&self.session, &world.room, query).await;
            let page = page.expect("works");
            found.extend(page.chunk);
            match page.end {
                Some(end) => from = end,
                None => return found,
            }
        }
    }

    async fn check_state(&self, world: &World) {
        let view = world.server.rooms.get(&world.room).await.expect("a room");
        let is_joined = view.membership(&self.session.user_id) == Some(Membership::Join);
        assert_eq!(self.joined.is_some(), is_joined, "{}", self.session.user_id);
        if let Some(known) = &self.joined {
            let mut server = State::new();
            put(&mut server, view.full_state().iter().map(|pdu| &**pdu));
            // A resolution can leave a key without any event. No sync can tell that: neither `state`
            // nor `state_after` has a word for an event that is gone. So only keys that the server
            // has are compared.
            let told: State = known
                .state
                .iter()
                .filter(|(key, _)| server.contains_key(*key))
                .map(|(key, event)| (key.clone(), event.clone()))
                .collect();
            assert_eq!(told, server, "{:?} {}", self.way, self.session.user_id);
        }
    }

    /// All that the user may see since his knowledge begins was seen.
    async fn check_events(&self, world: &World) {
        let Some(known) = &self.joined else { return };
        let (rooms, room) = (&world.server.rooms, &world.room);
        let page = rooms
            .timeline(room, Some(known.floor), None, Direction::Forward, 1_000)
            .await
            .expect("works");
        let visible = rooms
            .visible(&self.session.user_id, room, page.events)
            .await;
        let all: BTreeSet<_> = visible
            .expect("works")
            .iter()
            .map(|event| event.event_id().to_owned())
            .collect();
        assert_eq!(known.seen, all, "{:?} {}", self.way, self.session.user_id);
    }
}

impl Known {
    fn see(&mut self, events: &[RoomEvent]) {
        for event in events {
            let id = event.event_id().to_owned();
            assert!(self.seen.insert(id), "{} came twice", event.event_id());
        }
    }

    fn put<'a>(&mut self, pdus: impl Iterator<Item = &'a Pdu>) {
        put(&mut self.state, pdus);
    }
}

fn put<'a>(state: &mut State, pdus: impl Iterator<Item = &'a Pdu>) {
    for pdu in pdus {
        if let Some(key) = pdu.state_key() {
            let place = (pdu.kind().to_owned(), key.to_owned());
            state.insert(place, pdu.event_id().to_owned());
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = prop_oneof![Just(Who::Alice), Just(Who::Carol)];
    let step = prop_oneof![
        3 => who.clone().prop_map(Step::Say),
        3 => (who, 0..2_u8).prop_map(|(who, n)| Step::Set(who, n)),
        1 => any::<bool>().prop_map(Step::Levels),
        2 => prop::bool::weighted(0.7).prop_map(Step::Carol),
        1 => Just(Step::Kick),
        3 => Just(Step::BobSays),
        4 => (0..2_u8).prop_map(Step::BobSets),
        1 => Just(Step::BobKicks),
        4 => (0..4_u8).prop_map(Step::Receive),
        3 => (0..4_u8).prop_map(Step::Deliver),
        4 => (0..4_u8, 1..6_u8).prop_map(|(client, limit)| Step::Sync(client, limit)),
    ];
    prop::collection::vec(step, 10..60)
}

async fn tell(version: RoomVersion, steps: Vec<Step>) {
    let mut world = World::start(version).await;
    let mut clients = [
        Client::new(&world.alice, Way::Classic),
        Client::new(&world.alice, Way::After),
        Client::new(&world.carol, Way::Classic),
        Client::new(&world.carol, Way::After),
    ];
    let end = (0..4_u8).map(|client| Step::Sync(client, 3));
    for step in steps.into_iter().chain([Step::Receive(200)]).chain(end) {
        match step {
            Step::Sync(client, limit) => clients[usize::from(client)].sync(&world, limit).await,
            step => world.step(&step).await,
        }
    }
    for client in &clients {
        client.check_events(&world).await;
    }
}

#[test]
fn clients_know_the_state_and_each_event_once() {
    const CASES: u32 = 6;
    let cases = std::env::var("GANTRY_SYNC_CASES").ok();
    let cases: Option<u32> = cases.and_then(|cases| cases.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let config = ProptestConfig {
        cases: cases.unwrap_or(CASES),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut runner = match cases {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    let versions = prop_oneof![
        Just(RoomVersion::V6),
        Just(RoomVersion::V11),
        Just(RoomVersion::V12)
    ];
    let outcome = runner.run(&(versions, steps()), |(version, steps)| {
        runtime.block_on(tell(version, steps));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
