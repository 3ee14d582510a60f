//! `gantry admin check`: nothing is found in what the server has written, and any damage is.

use gantry_model::{RoomVersion, id::ServerName};
use gantry_rooms::{Checked, NewEvent, Upkeep};
use gantry_store::{
    Blob, Key, Scan, Store,
    bson::{Bson, Document, doc},
    room_key,
    schema::{MEMBERSHIP, ROOM, ROOM_NAME},
};

use crate::{
    house::{House, object, user},
    story::Story,
};

async fn check(store: &Store, server: &str) -> Checked {
    let upkeep = Upkeep::new(store.clone(), ServerName::parse(server).unwrap());
    upkeep.check().await.unwrap()
}

#[tokio::test]
async fn nothing_is_found_after_any_history() {
    let folder = tempfile::tempdir().unwrap();
    let (mut merges, mut soft, mut divergent) = (0, 0, 0);
    let versions = [
        RoomVersion::V1,
        RoomVersion::V6,
        RoomVersion::V11,
        RoomVersion::V12,
    ];
    for (seed, version) in (100..).zip(versions.into_iter().cycle().take(8)) {
        let own = tempfile::tempdir_in(folder.path()).unwrap();
        let mut story = Story::begin(own.path(), version, seed).await;
        for _ in 0..2 {
            story.go_on(40).await;
            for (house, server) in story.houses.iter().zip(["one", "two"]) {
                let checked = check(&house.store, server).await;
                assert_eq!(checked.findings, [], "seed {seed}, server {server}");
                assert!(checked.entries > 5 && checked.groups > 1 && checked.rows > 0);
            }
        }
        for house in &story.houses {
            let log = house.rooms.log(&story.room, 0, 1_000).await.unwrap();
            merges += log
                .iter()
                .filter(|one| one.pdu.prev_events().len() > 1)
                .count();
            soft += log.iter().filter(|one| one.flags.soft).count();
            divergent += log.iter().filter(|one| one.flags.div).count();
        }
        story.end().await;
    }
    assert!(
        merges > 20 && soft > 5 && divergent > 5,
        "{merges} {soft} {divergent}"
    );
}

/// A room of Alice's with a checkpoint among its state groups, in a closed store.
async fn large_room(folder: &std::path::Path) {
    let alice = user("@alice:one");
    let house = House::open(folder, "one", 5).await;
    let room = house.public_room(RoomVersion::V11, &alice).await;
    house.say(&room, &alice, "first").await;
    let changes = (0..530).map(|n| {
        let topic = object(&format!(r#"{{"topic":"{n}"}}"#));
        let event = NewEvent::state(alice.clone(), "m.room.topic", "", topic);
        house.rooms.submit(&room, event)
    });
    for done in futures::future::join_all(changes).await {
        done.unwrap();
    }
    house.say(&room, &alice, "last").await;
    assert_eq!(check(&house.store, "one").await.findings, []);
    house.close().await;
}

/// The first document of a kind that a condition holds of.
async fn first(store: &Store, kind: u8, is_it: impl Fn(&Document) -> bool) -> (Key, Document) {
    let (_, name) = store
        .scan::<Document>(ROOM_NAME, Scan::prefix(&[]))
        .await
        .unwrap()
        .remove(0);
    let rid = name.get_i64("rid").unwrap() as u64;
    let prefix = room_key(rid, kind, 0)[..9].to_vec();
    let all = store.scan::<Document>(ROOM, Scan::prefix(&prefix));
    all.await
        .unwrap()
        .into_iter()
        .find(|(_, doc)| is_it(doc))
        .unwrap()
}

async fn change(store: &Store, kind: u8, is_it: fn(&Document) -> bool, how: fn(&mut Document)) {
    let (key, mut doc) = first(store, kind, is_it).await;
    how(&mut doc);
    store.put(ROOM, key, &doc).await.unwrap();
}

fn text(doc: &Document, field: &str) -> String {
    let Some(Bson::Binary(body)) = doc.get(field) else {
        return String::new();
    };
    String::from_utf8_lossy(&body.bytes).into_owned()
}

fn says(doc: &Document, what: &str) -> bool {
    text(doc, "body").contains(what)
}

fn blob(bytes: impl Into<Vec<u8>>) -> Bson {
    Blob(bytes.into()).into()
}

fn head(doc: &mut Document) -> &mut Document {
    doc.get_document_mut("h").unwrap()
}

/// Flips a bit in the middle of a binary field.
fn flip(doc: &mut Document, field: &str) {
    let Some(Bson::Binary(binary)) = doc.get_mut(field) else {
        panic!("no binary field {field}");
    };
    let middle = binary.bytes.len() / 2;
    binary.bytes[middle] ^= 1;
}

const FIRST: fn(&Document) -> bool = |doc| says(doc, "first");

/// Does a damage; the number chooses which. Returns what must be found; `None`: there is no such
/// damage any more.
async fn damage(store: &Store, number: usize) -> Option<&'static str> {
    let any: fn(&Document) -> bool = |_| true;
    let state: fn(&Document) -> bool = |doc| doc.contains_key("ng");
    let found = match number {
        0 => {
            let (key, _) = first(store, b'L', FIRST).await;
            store.delete(ROOM, key).await.unwrap();
            "log entry 6: it is missing"
        }
        1 => {
            change(store, b'L', FIRST, |doc| {
                let changed = text(doc, "body").replace("first", "worst");
                doc.insert("body", blob(changed));
            })
            .await;
            "its content is not the one that was signed"
        }
        2 => {
            change(store, b'L', FIRST, |doc| {
                let changed = text(doc, "body").replace("\"depth\":6", "\"depth\":7");
                doc.insert("body", blob(changed));
            })
            .await;
            "its body has another id"
        }
        3 => {
            change(store, b'L', FIRST, |doc| {
                head(doc).insert("prev8", blob([7; 8]));
            })
            .await;
            "it is not chained"
        }
        4 => {
            change(store, b'L', FIRST, |doc| {
                let counts = head(doc).get_document_mut("n").unwrap();
                counts.insert("main", 17_i64);
            })
            .await;
            "the counters after it are wrong"
        }
        5 => {
            change(store, b'L', FIRST, |doc| {
                head(doc).insert("fx", Bson::Array(Vec::new()));
            })
            .await;
            "the extremities after it are other ones"
        }
        6 => {
            change(store, b'L', state, |doc| flip(doc, "cd")).await;
            "the change of the current state is another one"
        }
        7 => {
            change(store, b'L', state, |doc| {
                let group = doc.get_array_mut("ng").unwrap()[0]
                    .as_document_mut()
                    .unwrap();
                let Some(Bson::Binary(delta)) = group.get_mut("delta") else {
                    panic!("no delta");
                };
                *delta.bytes.last_mut().unwrap() ^= 1;
            })
            .await;
            "it holds an event that is none of this key"
        }
        8 => {
            change(store, b'G', any, |doc| flip(doc, "body")).await;
            "its checkpoint is another state"
        }
        9 => {
            let (key, _) = first(store, b'G', any).await;
            store.delete(ROOM, key).await.unwrap();
            "a page is missing"
        }
        10 => {
            let (key, _) = first(store, b'S', |doc| says(doc, "\"topic\":\"3\"")).await;
            store.delete(ROOM, key).await.unwrap();
            "state event 8: it is missing"
        }
        11 => {
            change(store, b'S', any, |doc| {
                doc.insert("skid", 2_i64);
            })
            .await;
            "its state key number is another key's"
        }
        12 => {
            change(
                store,
                b'S',
                |doc| says(doc, "m.room.topic"),
                |doc| {
                    doc.insert("auth", blob([0; 4]));
                },
            )
            .await;
            "its auth events are not those of its body"
        }
        13 => {
            change(store, b'K', any, |doc| {
                doc.insert("state_key", "x");
            })
            .await;
            "its hash is that of another key"
        }
        14 => {
            change(store, b'L', FIRST, |doc| {
                doc.insert("sb", 65_536_i64);
            })
            .await;
            "the state before it does not follow"
        }
        15 => {
            change(store, b'L', FIRST, |doc| {
                doc.insert("pw", doc! { "w": 1_i64, "s": 1_i64 });
            })
            .await;
            "it names another position before it"
        }
        16 => {
            let (key, doc) = first(store, b'S', any).await;
            let mut stray = doc;
            stray.insert("rid", 3_i64);
            let mut other = 3_u64.to_be_bytes().to_vec();
            other.extend(&key[8..]);
            store.put(ROOM, other, &stray).await.unwrap();
            "room number 3: no room has it"
        }
        17 => {
            change(store, b'L', FIRST, |doc| {
                let signature = "\"signatures\":{\"one\":";
                let changed = text(doc, "body").replace(signature, "\"signatures\":{\"two\":");
                doc.insert("body", blob(changed));
            })
            .await;
            "the signature of one is missing"
        }
        18 => {
            let rows = store.scan::<Document>(MEMBERSHIP, Scan::prefix(&[]));
            let (key, mut row) = rows.await.unwrap().remove(0);
            row.insert("membership", "ban");
            store.put(MEMBERSHIP, key, &row).await.unwrap();
            "membership of @alice:one: the row is not what the log says"
        }
        19 => {
            let rows = store.scan::<Document>(MEMBERSHIP, Scan::prefix(&[]));
            let (key, _) = rows.await.unwrap().remove(0);
            store.delete(MEMBERSHIP, key).await.unwrap();
            "membership of @alice:one: the row is missing"
        }
        _ => return None,
    };
    Some(found)
}

#[tokio::test]
async fn every_damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    large_room(folder.path()).await;
    for number in 0.. {
        let copy = folder.path().join(format!("{number}.redb"));
        std::fs::copy(folder.path().join("one.redb"), &copy).unwrap();
        let store = Store::open_redb(&copy).await.unwrap();
        let Some(expected) = damage(&store, number).await else {
            store.shutdown().await;
            assert!(number > 15);
            return;
        };
        store.shutdown().await;
        drop(store);

        let store = Store::read_redb(&copy).await.unwrap();
        let checked = check(&store, "one").await;

        let found: Vec<_> = checked.findings.iter().map(ToString::to_string).collect();
        assert!(
            found.iter().any(|finding| finding.contains(expected)),
            "damage {number}: {expected} is not among {found:#?}"
        );
        store.shutdown().await;
    }
}

#[tokio::test]
async fn a_check_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path(), "one", 5).await;
    let room = house
        .public_room(RoomVersion::V11, &user("@alice:one"))
        .await;
    house.close().await;
    let path = folder.path().join("one.redb");
    let store = Store::read_redb(&path).await.unwrap();

    let checked = check(&store, "one").await;
    let refused = store.delete(ROOM, vec![0; 17]).await;

    assert!(checked.is_sound());
    assert!(matches!(refused, Err(gantry_store::Error::Closed)));
    store.shutdown().await;
    drop(store);
    let house = House::open(folder.path(), "one", 5).await;
    assert!(house.rooms.view(&room).await.unwrap().is_some());
    house.close().await;
}

#[tokio::test]
async fn a_rejected_message_that_comes_again_is_rejected_again() {
    use gantry_rooms::{Arrival, Ingested};
    let folder = tempfile::tempdir().unwrap();
    let story = Story::begin(folder.path(), RoomVersion::V11, 3).await;
    let bob = user("@bob:two");
    let [one, two] = &story.houses;
    let honest = two.say(&story.room, &bob, "honest").await;
    let honest = two.rooms.pdu(&story.room, &honest).await.unwrap().unwrap();
    let mut forged = honest.object().clone();
    forged.insert("sender", "@stranger:two".into());
    let forged = story.signed(forged);

    for _ in 0..3 {
        let answer = one.rooms.ingest(forged.clone(), Arrival::Transaction).await;
        assert!(matches!(answer, Ok(Ingested::Rejected(_))), "{answer:?}");
    }
    let mut after = honest.object().clone();
    after.insert(
        "prev_events".to_owned(),
        vec![forged.event_id().as_str().into()].into(),
    );
    let after = story.signed(after);
    let answer = one.rooms.ingest(after, Arrival::Transaction).await.unwrap();

    assert!(matches!(answer, Ingested::Accepted(_)), "{answer:?}");
    assert_eq!(
        one.rooms
            .get(&story.room)
            .await
            .unwrap()
            .extremities()
            .len(),
        1
    );
    assert_eq!(check(&one.store, "one").await.findings, []);
    story.end().await;
}
