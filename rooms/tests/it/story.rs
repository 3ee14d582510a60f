//! Random histories of one room on two servers that hear of each other late: forks, merges, bans that
//! overtake messages, events that the rules forbid.

use std::collections::VecDeque;

use base64::Engine as _;
use gantry_model::{
    Object, Pdu, Rng as _, RoomVersion, SeededRng, Value,
    hash::BASE64,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId},
    pdu::Reference,
    room_version::EventIdFormat,
};
use gantry_rooms::{Arrival, GivenState, Ingested, JoinImport, NewEvent};

use crate::house::{House, member, message, object, user};

/// Lets `@bob:two` join a room of house one through the handshake, in both houses.
pub(crate) async fn join_two(one: &House, two: &House, room: &gantry_model::id::RoomId) {
    join_with(one, two, room, false).await;
}

/// The same without the members, which [`complete`] brings.
pub(crate) async fn join_without_members(
    one: &House,
    two: &House,
    room: &gantry_model::id::RoomId,
) -> OwnedEventId {
    join_with(one, two, room, true).await
}

/// Brings the members that a join left out.
pub(crate) async fn complete(
    one: &House,
    two: &House,
    room: &gantry_model::id::RoomId,
    join: &OwnedEventId,
) {
    let state = one.rooms.state_before(room, join).await.unwrap().unwrap();
    let view = one.rooms.get(room).await.unwrap();
    let auth_chain = one.rooms.auth_chain_of_state(&view, &state);
    let given = GivenState { state, auth_chain };
    two.rooms.complete_join(room, given).await.unwrap();
}

async fn join_with(
    one: &House,
    two: &House,
    room: &gantry_model::id::RoomId,
    omits: bool,
) -> OwnedEventId {
    let bob = user("@bob:two");
    let before = one.rooms.get(room).await.unwrap();
    let template = one
        .rooms
        .template(room, member(&bob, &bob, "join"))
        .await
        .unwrap();
    let mut object = template.object;
    gantry_model::hash::set_content_hash(&mut object);
    let key = two.rooms.identity().key();
    key.sign_event("two", &mut object, template.version.rules());
    let join = Pdu::parse(object, template.version).unwrap();
    let taken = one
        .rooms
        .ingest(join.clone(), Arrival::Handshake)
        .await
        .unwrap();
    assert!(matches!(taken, Ingested::Accepted(_)), "{taken:?}");
    let mut state = before.full_state();
    if omits {
        state.retain(|pdu| pdu.kind() != "m.room.member");
    }
    let auth_chain = one.rooms.auth_chain_of_state(&before, &state);
    let id = join.event_id().to_owned();
    two.rooms
        .import_join(JoinImport {
            version: template.version,
            join,
            given: GivenState { state, auth_chain },
            servers: vec![one.rooms.identity().server_name().to_owned()],
            members_omitted: omits,
        })
        .await
        .unwrap();
    id
}

/// The users of each server besides Alice and Bob, who never leave.
const EXTRAS: usize = 3;

/// Two servers with one room.
pub(crate) struct Story {
    pub(crate) houses: [House; 2],
    pub(crate) room: OwnedRoomId,
    version: RoomVersion,
    rng: SeededRng,
    /// What each house has made and the other one has not heard of.
    unheard: [VecDeque<OwnedEventId>; 2],
    said: Vec<OwnedEventId>,
}

impl Story {
    /// A room of Alice's on server one that Bob of server two has joined.
    pub(crate) async fn begin(folder: &std::path::Path, version: RoomVersion, seed: u64) -> Self {
        let mut story = Self::found(folder, version, seed).await;
        let [one, two] = &story.houses;
        join_two(one, two, &story.room).await;
        story.unheard = [VecDeque::new(), VecDeque::new()];
        story
    }

    /// The same, but Bob's server does not know the members, some of whom are banned. Returns Bob's
    /// join as well.
    pub(crate) async fn begin_without_members(
        folder: &std::path::Path,
        version: RoomVersion,
        seed: u64,
    ) -> (Self, OwnedEventId) {
        let mut story = Self::found(folder, version, seed).await;
        let [one, two] = &story.houses;
        let alice = user("@alice:one");
        for (target, ban) in [
            ("@extra1:one", false),
            ("@extra2:one", false),
            ("@extra2:one", true),
        ] {
            let target = user(target);
            let event = match ban {
                true => member(&alice, &target, "ban"),
                false => member(&target, &target, "join"),
            };
            one.rooms.submit(&story.room, event).await.unwrap();
        }
        let join = join_without_members(one, two, &story.room).await;
        story.unheard = [VecDeque::new(), VecDeque::new()];
        (story, join)
    }

    async fn found(folder: &std::path::Path, version: RoomVersion, seed: u64) -> Self {
        let one = House::open(folder, "one", seed).await;
        let two = House::open(folder, "two", seed + 1_000).await;
        let alice = user("@alice:one");
        let room = one.public_room(version, &alice).await;
        let mut levels =
            r#"{"users":{"@bob:two":50,"@alice:one":100},"events":{"m.room.topic":0}}"#;
        if version.rules().privileged_creators {
            levels = r#"{"users":{"@bob:two":50},"events":{"m.room.topic":0}}"#;
        }
        let change = NewEvent::state(alice, "m.room.power_levels", "", object(levels));
        one.rooms.submit(&room, change).await.unwrap();
        Self {
            houses: [one, two],
            room,
            version,
            rng: SeededRng::new(seed),
            unheard: [VecDeque::new(), VecDeque::new()],
            said: Vec::new(),
        }
    }

    /// Lets random things happen.
    pub(crate) async fn go_on(&mut self, steps: usize) {
        for _ in 0..steps {
            let side = self.draw(2);
            self.houses[side].clock.advance(1 + self.draw(20) as i64);
            match self.draw(12) {
                0..=7 => self.act(side).await,
                8 => self.forge().await,
                _ => {
                    let most = self.draw(4);
                    self.hear(side, most).await;
                }
            }
        }
    }

    pub(crate) async fn end(self) {
        for house in self.houses {
            house.close().await;
        }
    }

    fn draw(&self, end: usize) -> usize {
        (self.rng.next_u64() % end as u64) as usize
    }

    fn person(&self, side: usize) -> OwnedUserId {
        let server = ["one", "two"][side];
        match self.draw(EXTRAS + 1) {
            0 => user(["@alice:one", "@bob:two"][side]),
            n => user(&format!("@extra{n}:{server}")),
        }
    }

    async fn act(&mut self, side: usize) {
        let event = self.random_event(side);
        // What the rules forbid is part of the story.
        if let Ok(done) = self.houses[side].rooms.submit(&self.room, event).await {
            self.said.push(done.event_id.clone());
            self.unheard[side].push_back(done.event_id);
        }
    }

    fn random_event(&self, side: usize) -> NewEvent {
        let who = self.person(side);
        let text = self.draw(1_000).to_string();
        match self.draw(10) {
            0 => {
                let topic = object(&format!(r#"{{"topic":"{text}"}}"#));
                NewEvent::state(who, "m.room.topic", "", topic)
            }
            1 | 2 => member(&who, &who, "join"),
            3 => {
                let other = self.draw(2);
                let target = format!("@extra{}:{}", 1 + self.draw(EXTRAS), ["one", "two"][other]);
                let what = ["invite", "leave", "ban", "leave"][self.draw(4)];
                let boss = user(["@alice:one", "@bob:two"][side]);
                member(&boss, &user(&target), what)
            }
            4 if !who.as_str().starts_with("@a") && !who.as_str().starts_with("@b") => {
                member(&who, &who, "leave")
            }
            5 if !self.said.is_empty() => {
                let target = self.said[self.draw(self.said.len())].clone();
                let content = object("{}");
                NewEvent {
                    redacts: Some(target),
                    ..NewEvent::message(who, "m.room.redaction", content)
                }
            }
            6 if !self.said.is_empty() => {
                let root = &self.said[self.draw(self.said.len())];
                let content = format!(
                    r#"{{"body":"{text}","msgtype":"m.text","m.mentions":{{"room":true}},
                    "m.relates_to":{{"rel_type":"m.thread","event_id":"{root}"}}}}"#
                );
                NewEvent::message(who, "m.room.message", object(&content))
            }
            _ => message(&who, &text),
        }
    }

    /// Tells the other side's events to a house.
    async fn hear(&mut self, side: usize, most: usize) {
        for _ in 0..most {
            let Some(id) = self.unheard[1 - side].pop_front() else {
                return;
            };
            let from = &self.houses[1 - side].rooms;
            let pdu = from.pdu(&self.room, &id).await.unwrap().unwrap();
            self.tell(side, (*pdu).clone()).await;
        }
    }

    async fn tell(&self, side: usize, pdu: Pdu) {
        let rooms = &self.houses[side].rooms;
        let tell = || rooms.ingest(pdu.clone(), Arrival::Transaction);
        let mut answer = tell().await.unwrap();
        if let Ingested::Missing { prev, auth } = &answer
            && prev.is_empty()
        {
            // Members who were left out.
            let from = &self.houses[1 - side].rooms;
            let mut events = from.auth_chain(&self.room, auth).await.unwrap();
            let view = from.get(&self.room).await.unwrap();
            events.extend(auth.iter().filter_map(|id| view.known_state_event(id)));
            rooms.add_outliers(&self.room, events).await.unwrap();
            answer = tell().await.unwrap();
        }
        assert!(
            !matches!(answer, Ingested::Missing { .. }),
            "{answer:?} for {:?}",
            pdu.object()
        );
    }

    /// A topic of somebody who is not in the room, well signed, and a message after it.
    async fn forge(&mut self) {
        let house = &self.houses[1];
        let bob = user("@bob:two");
        let honest = house.say(&self.room, &bob, "honest").await;
        self.unheard[1].push_back(honest.clone());
        let honest = house.rooms.pdu(&self.room, &honest).await.unwrap().unwrap();
        let mut object = honest.object().clone();
        if self.draw(2) == 0 {
            object.insert("type", "m.room.topic".into());
            object.insert("state_key", "".into());
        }
        if self.version.rules().event_id == EventIdFormat::Chosen {
            object.insert("event_id", self.chosen_id());
        }
        object.insert("sender", "@stranger:two".into());
        let pdu = self.signed(object);
        self.settle_before_forgery().await;
        let mut after = honest.object().clone();
        after.insert("prev_events", self.reference(&pdu));
        if self.version.rules().event_id == EventIdFormat::Chosen {
            after.insert("event_id", self.chosen_id());
        }
        let after = self.signed(after);
        let has_successor = self.draw(2) == 0;
        for side in 0..2 {
            self.tell(side, pdu.clone()).await;
            if has_successor {
                self.tell(side, after.clone()).await;
            }
        }
    }

    fn chosen_id(&self) -> Value {
        format!("$forged{}:two", self.draw(1 << 40)).into()
    }

    /// `prev_events` with one event.
    fn reference(&self, pdu: &Pdu) -> Value {
        let id: Value = pdu.event_id().as_str().into();
        if self.version.rules().event_id != EventIdFormat::Chosen {
            return vec![id].into();
        }
        let hash = BASE64.encode(Reference::to(pdu).hash);
        let hashes = Object::from([("sha256".to_owned(), hash.into())]);
        vec![Value::from(vec![id, hashes.into()])].into()
    }

    /// A forgery stands on events that its reader must know.
    async fn settle_before_forgery(&mut self) {
        self.hear(0, usize::MAX).await;
    }

    /// An event of server two, hashed and signed anew.
    pub(crate) fn signed(&self, mut object: gantry_model::Object) -> Pdu {
        object.remove("signatures");
        gantry_model::hash::set_content_hash(&mut object);
        let key = self.houses[1].rooms.identity().key();
        key.sign_event("two", &mut object, self.version.rules());
        Pdu::parse(object, self.version).unwrap()
    }
}
