//! Power cuts under load: what was acknowledged is there, once, in one order, and nothing is
//! damaged. A disk that only pretends to sync must fail the same test.
//!
//! `GANTRY_POWER_CUTS` says how many cuts; 200 without it.

use std::{collections::HashSet, sync::Arc};

use gantry_model::{
    Rng as _, RoomVersion, SeededRng,
    id::{OwnedEventId, OwnedRoomId, OwnedUserId, ServerName},
};
use gantry_rooms::{NewEvent, Txn, Upkeep};
use gantry_store::{
    RedbEngine, Store,
    testing::{PowerCutDisk, Syncing},
};

use tokio_util::task::TaskTracker;

use crate::house::{House, member, message, object, user};

/// Cuts that one store lives through.
const CUTS_OF_A_STORE: usize = 25;

/// What a client was told: its events in the order of its requests.
struct Client {
    user: OwnedUserId,
    acknowledged: Vec<OwnedEventId>,
    /// The request that has no answer yet.
    open: Option<NewEvent>,
    sent: usize,
}

struct World {
    random: SeededRng,
    syncing: Syncing,
    contents: Vec<u8>,
    room: Option<OwnedRoomId>,
    clients: Vec<Client>,
    lives: u64,
}

/// Something is lost, twice there, or out of order.
type Violation = String;

fn below(random: &SeededRng, end: usize) -> usize {
    (random.next_u64() % end as u64) as usize
}

impl World {
    fn new(seed: u64, syncing: Syncing) -> Self {
        let client = |n| Client {
            user: user(&format!("@client{n}:one")),
            acknowledged: Vec::new(),
            open: None,
            sent: 0,
        };
        Self {
            random: SeededRng::new(seed),
            syncing,
            contents: Vec::new(),
            room: None,
            clients: (0..4).map(client).collect(),
            lives: 0,
        }
    }

    /// One life of the server: start, look at everything, work until the power is cut.
    async fn live(&mut self) -> Result<(), Violation> {
        self.lives += 1;
        let disk = PowerCutDisk::new(self.contents.clone(), self.syncing);
        let dies_early = self.lives > 1 && below(&self.random, 8) == 0;
        if dies_early {
            disk.cut_after(below(&self.random, 40) as u64);
        }
        match self.open(&disk).await {
            Ok(house) => {
                if !dies_early {
                    self.look(&house).await?;
                    disk.cut_after(20 + below(&self.random, 400) as u64);
                }
                self.work(&house).await;
                house.close().await;
            }
            Err(_) if dies_early => {}
            Err(error) => return Err(format!("the store does not open: {error}")),
        }
        self.contents = disk.cut(|end| below(&self.random, end));
        Ok(())
    }

    async fn open(&self, disk: &PowerCutDisk) -> Result<House, gantry_store::Error> {
        let engine = RedbEngine::on(disk.clone()).await?;
        let store = Store::with_engine(Arc::new(engine)).await?;
        Ok(House::on(store, "one", self.lives))
    }

    /// The room, with all clients joined.
    async fn enter(&mut self, house: &House) -> Option<OwnedRoomId> {
        if self.room.is_none() {
            let alice = user("@alice:one");
            let room = house.try_public_room(RoomVersion::V11, &alice).await.ok()?;
            self.room = Some(room);
        }
        let room = self.room.clone()?;
        for client in &self.clients {
            let joins = member(&client.user, &client.user, "join");
            house.rooms.submit(&room, joins).await.ok()?;
        }
        Some(room)
    }

    async fn work(&mut self, house: &House) {
        let Some(room) = self.enter(house).await else {
            return;
        };
        let seeds: Vec<u64> = self
            .clients
            .iter()
            .map(|_| self.random.next_u64())
            .collect();
        let at_work = self
            .clients
            .iter_mut()
            .zip(seeds)
            .map(|(client, seed)| client.work(house, &room, SeededRng::new(seed)));
        futures::future::join_all(at_work).await;
    }

    async fn look(&mut self, house: &House) -> Result<(), Violation> {
        let upkeep = Upkeep::new(house.store.clone(), ServerName::parse("one").unwrap());
        let checked = upkeep.check().await.map_err(|error| error.to_string())?;
        if let Some(finding) = checked.findings.first() {
            return Err(finding.to_string());
        }
        let Some(room) = self.room.clone() else {
            return Ok(());
        };
        let log = house.rooms.log(&room, 0, 100_000).await;
        let Ok(log) = log else {
            let was_told = self.clients.iter().any(|one| !one.acknowledged.is_empty());
            self.room = None;
            return match was_told {
                true => Err("the room is gone".to_owned()),
                false => Ok(()),
            };
        };
        for client in &self.clients {
            let own: Vec<_> = log
                .iter()
                .filter(|event| event.pdu.sender() == client.user)
                .map(|event| event.event_id().to_owned())
                .collect();
            client.compare(&own)?;
        }
        Ok(())
    }
}

impl Client {
    async fn work(&mut self, house: &House, room: &OwnedRoomId, random: SeededRng) {
        loop {
            let event = match self.open.take() {
                Some(event) => event,
                None => self.next_event(&random),
            };
            self.open = Some(event.clone());
            let Ok(done) = house.rooms.submit(room, event).await else {
                return;
            };
            self.open = None;
            self.acknowledged.push(done.event_id);
        }
    }

    fn next_event(&mut self, random: &SeededRng) -> NewEvent {
        self.sent += 1;
        let text = format!("{} of {}", self.sent, self.user);
        let event = match below(random, 4) {
            0 => {
                let content = object(&format!(
                    r#"{{"displayname":"{text}","membership":"join"}}"#
                ));
                let who = self.user.clone();
                NewEvent::state(who.clone(), "m.room.member", who.as_str(), content)
            }
            _ => message(&self.user, &text),
        };
        event.with_txn(Txn {
            device: "D".to_owned(),
            endpoint: "send",
            id: self.sent.to_string(),
        })
    }

    /// Whether what was acknowledged is in the log, once and in its order.
    fn compare(&self, log: &[OwnedEventId]) -> Result<(), Violation> {
        let once: HashSet<_> = log.iter().collect();
        if once.len() != log.len() {
            return Err(format!("{} has an event twice", self.user));
        }
        let told: HashSet<_> = self.acknowledged.iter().collect();
        let kept: Vec<_> = log.iter().filter(|id| told.contains(id)).collect();
        if !kept.iter().copied().eq(&self.acknowledged) {
            return Err(format!(
                "{} was told of {} events; {} of them are there in this order",
                self.user,
                self.acknowledged.len(),
                kept.len()
            ));
        }
        Ok(())
    }
}

/// Runs lives until something is violated; says how many events were acknowledged.
async fn run(cuts: usize, syncing: Syncing) -> Result<usize, Violation> {
    let mut told = 0;
    for (seed, begin) in (1..).zip((0..cuts).step_by(CUTS_OF_A_STORE)) {
        let mut world = World::new(seed, syncing);
        for _ in begin..cuts.min(begin + CUTS_OF_A_STORE) {
            world.live().await?;
        }
        // The last life ends with a look, too.
        world.live().await?;
        told += world
            .clients
            .iter()
            .map(|one| one.acknowledged.len())
            .sum::<usize>();
    }
    Ok(told)
}

fn cuts() -> usize {
    let asked = std::env::var("GANTRY_POWER_CUTS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    let told = run(cuts(), Syncing::Honest).await;

    assert!(told.is_ok_and(|told| told > cuts()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_is_found_out() {
    // redb itself may panic over what such a disk makes of its file.
    let tasks = TaskTracker::new();
    let run = tasks.spawn(run(CUTS_OF_A_STORE, Syncing::Ignored)).await;

    assert!(!matches!(run, Ok(Ok(_))), "{run:?}");
}
