//! What a large room costs, and a store filled with messages. Not run by themselves:
//!
//! `GANTRY_MEMBERS=100000 cargo test --release -p gantry-rooms --test it -- --ignored --nocapture large`
//!
//! `tests/bench/ten_million.py` runs `fill`.

#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the clock of the machine"
)]

use std::{fs, sync::Arc, time::Instant};

use gantry_model::{
    Object, PduDraft, RoomVersion,
    id::{OwnedRoomId, OwnedUserId},
    pdu::Reference,
};
use gantry_roomgen::{Generated, Params, Signing, generate};
use gantry_rooms::{GivenState, JoinImport, NewEvent};
use gantry_store::{Scan, Store, bson::RawDocumentBuf, schema::ROOM};
use tempfile::TempDir;

use crate::{
    house::{House, member, message, object, user},
    nodes::Database,
};

const MESSAGES: usize = 300;
const NAMES: u64 = 50;

fn resident_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

fn room_of(members: usize) -> Generated {
    generate(&Params {
        members,
        servers: 100.min(members),
        bans: 0,
        restricted_joins: 0,
        profile_changes: 0,
        messages: 1,
        signing: Signing::Unsigned,
        ..Params::default()
    })
}

/// The join of a user of ours behind everything that was generated.
fn join_of(house: &House, room: &Generated, who: &OwnedUserId) -> JoinImport {
    let events = room.memory.events();
    let state: Vec<_> = room
        .trunk
        .values()
        .map(|rn| Arc::clone(&events[*rn as usize].pdu))
        .collect();
    let last = room.pdus.last().unwrap();
    let of = |kind: &str| state.iter().find(|pdu| pdu.kind() == kind).unwrap();
    let auth = ["m.room.create", "m.room.power_levels", "m.room.join_rules"];
    let draft = PduDraft {
        room_id: Some(last.room_id().to_owned()),
        sender: who.clone(),
        kind: "m.room.member".to_owned(),
        state_key: Some(who.to_string()),
        content: Object::from([("membership".to_owned(), "join".into())]),
        redacts: None,
        prev_events: vec![Reference::to(last)],
        auth_events: auth.map(|kind| Reference::to(of(kind))).to_vec(),
        depth: last.depth() + 1,
        origin_server_ts: last.origin_server_ts() + 1,
        id_localpart: String::new(),
    };
    let identity = house.rooms.identity();
    let rules = RoomVersion::V11.rules();
    JoinImport {
        version: RoomVersion::V11,
        join: draft
            .sign(identity.server_name(), identity.key(), rules)
            .unwrap(),
        given: GivenState {
            auth_chain: events.iter().map(|one| Arc::clone(&one.pdu)).collect(),
            state,
        },
        servers: Vec::new(),
        members_omitted: false,
    }
}

/// Where the rooms of a measured server lie.
enum Home {
    Redb(TempDir),
    MongoDb(Database),
}

impl Home {
    async fn open(&self) -> House {
        match self {
            Self::Redb(folder) => House::open(folder.path(), "one", 1).await,
            Self::MongoDb(database) => database.node("a").await,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Redb(_) => "redb",
            Self::MongoDb(_) => "MongoDB",
        }
    }
}

struct Figures {
    import_ms: u128,
    bytes_per_event: u64,
    message_us: u128,
    message_bytes: u64,
    name_us: u128,
    name_bytes: u64,
    join_us: u128,
    fork_us: u128,
    load_ms: u128,
    loaded_mib: u64,
}

async fn send(house: &House, room: &OwnedRoomId, events: impl Iterator<Item = NewEvent>) -> u128 {
    let started = Instant::now();
    let mut sent = 0;
    for event in events {
        house.rooms.submit(room, event).await.unwrap();
        sent += 1;
    }
    started.elapsed().as_micros() / sent
}

/// The change of a name.
fn rename(who: &OwnedUserId, name: &str) -> NewEvent {
    let content = object(&format!(
        r#"{{"membership":"join","displayname":"{name}"}}"#
    ));
    NewEvent::state(who.clone(), "m.room.member", who.as_str(), content)
}

/// Two changes of a name that do not know of each other, and the message that joins them again.
async fn fork(house: &House, room: &OwnedRoomId, who: &OwnedUserId) -> u128 {
    let other = rename(who, "other");
    let drafted = house.rooms.draft(room, other.clone()).await.unwrap();
    house.rooms.submit(room, rename(who, "one")).await.unwrap();
    let started = Instant::now();
    let other = NewEvent {
        drafted: Some(Arc::new(drafted)),
        ..other
    };
    house.rooms.submit(room, other).await.unwrap();
    house
        .rooms
        .submit(room, message(who, "joined"))
        .await
        .unwrap();
    started.elapsed().as_micros()
}

async fn measure(home: &Home, members: usize) -> Figures {
    let (alice, bob) = (user("@alice:one"), user("@bob:one"));
    let generated = room_of(members);
    let house = home.open().await;
    let import = join_of(&house, &generated, &alice);
    let count = generated.memory.events().len() as u64;
    drop(generated);
    let started = Instant::now();
    let room = house.rooms.import_join(import).await.unwrap();
    let import_ms = started.elapsed().as_millis();
    let imported = stored_bytes(&house).await;
    let texts = |n| (0..n).map(|n| message(&alice, &n.to_string()));
    send(&house, &room, texts(20)).await;
    let stored = house.rooms.get(&room).await.unwrap().counts();
    assert_eq!(stored.joined as usize, members + 1);
    let before = stored_bytes(&house).await;
    let message_us = send(&house, &room, texts(MESSAGES)).await;
    let said = stored_bytes(&house).await;
    let names = (0..NAMES).map(|n| rename(&alice, &n.to_string()));
    let name_us = send(&house, &room, names).await;
    let renamed = stored_bytes(&house).await;
    let joins = [member(&bob, &bob, "join")].into_iter();
    let join_us = send(&house, &room, joins).await;
    let fork_us = fork(&house, &room, &alice).await;
    house.close().await;
    let before_load = resident_mib();
    let started = Instant::now();
    let house = home.open().await;
    house.rooms.get(&room).await.unwrap();
    let load_ms = started.elapsed().as_millis();
    let loaded_mib = resident_mib().saturating_sub(before_load);
    let leaves = member(&alice, &alice, "leave");
    house.rooms.submit(&room, leaves).await.unwrap();
    house.close().await;
    Figures {
        import_ms,
        bytes_per_event: imported / count,
        message_us,
        message_bytes: (said - before) / MESSAGES as u64,
        name_us,
        name_bytes: (renamed - said) / NAMES,
        join_us,
        fork_us,
        load_ms,
        loaded_mib,
    }
}

/// The bytes of everything that is stored of rooms, keys included.
async fn stored_bytes(house: &House) -> u64 {
    let rows = house
        .store
        .scan::<RawDocumentBuf>(ROOM, Scan::prefix(&[]))
        .await
        .unwrap();
    rows.iter()
        .map(|(key, doc)| (key.len() + doc.as_bytes().len()) as u64)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, by hand"]
async fn a_large_room_costs_a_message_what_a_small_one_does() {
    let members = std::env::var("GANTRY_MEMBERS").ok();
    let members = members
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let mut times = Vec::new();
    for members in [10, 1_000, members] {
        let redb = Home::Redb(tempfile::tempdir().unwrap());
        let mongodb = Database::new("large").map(Home::MongoDb);
        for home in [Some(redb), mongodb].into_iter().flatten() {
            let figures = measure(&home, members).await;
            eprintln!(
                "{}, {members} members: import {} ms, {} bytes per event; message {} us, {} bytes; \
                 change of name {} us, {} bytes; join {} us; fork and merge {} us; cold load {} ms, \
                 {} MiB more",
                home.name(),
                figures.import_ms,
                figures.bytes_per_event,
                figures.message_us,
                figures.message_bytes,
                figures.name_us,
                figures.name_bytes,
                figures.join_us,
                figures.fork_us,
                figures.load_ms,
                figures.loaded_mib,
            );
            if matches!(home, Home::Redb(_)) {
                times.push(figures.message_us);
            }
        }
    }
    assert!(times[2] < times[0] * 3, "{times:?}");
}

/// Sends `GANTRY_EVENTS` messages to the rooms of the store `GANTRY_FILL` (a file of redb), in turns, as
/// the server `GANTRY_SERVER` does for the first member of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "fills a store for a measurement"]
async fn fill() {
    let setting = |name| std::env::var(name).unwrap();
    let events: usize = setting("GANTRY_EVENTS").parse().unwrap();
    let store = Store::open_redb(setting("GANTRY_FILL")).await.unwrap();
    let house = House::on(store, &setting("GANTRY_SERVER"), 11);
    let rooms = house.rooms.list_rooms(None, usize::MAX).await.unwrap();
    let started = Instant::now();
    let share = events / rooms.len();
    let sends = rooms.iter().map(|room| {
        let rooms = house.rooms.clone();
        async move {
            let sender = rooms.get(room).await.unwrap().joined().remove(0);
            for n in 0..share {
                let text = format!("message {n} of a year in which much was said by everybody");
                rooms.submit(room, message(&sender, &text)).await.unwrap();
            }
        }
    });
    futures::future::join_all(sends).await;
    let took = started.elapsed().as_secs_f64();
    let sent = share * rooms.len();
    eprintln!("{sent} messages in {} rooms after {took:.0} s", rooms.len());
    house.close().await;
}
