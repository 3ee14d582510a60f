//! Rooms in use: which are in memory, and how they come and go.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use gantry_model::{
    RoomVersion,
    id::{OwnedRoomId, RoomId},
};
use gantry_state_res::StateMap;
use gantry_store::{Scan, hash16, schema::ROOM_NAME};
use parking_lot::RwLock;
use tokio::sync::mpsc;

use super::{QUEUE, Room};
use crate::{
    Error, Result, RoomView, Rooms,
    actor::{Actor, Shared},
    codec::{Group, RoomDoc},
    idle::Usage,
    state::{StateCache, load_group},
};

impl Rooms {
    /// The id of a room's number.
    pub(crate) async fn name(&self, rid: u64) -> Result<Option<OwnedRoomId>> {
        if let Some(room_id) = self.0.names.lock().get(&rid) {
            return Ok(Some(room_id.clone()));
        }
        let scan = Scan::index("rid", vec![(rid as i64).into()]).limit(1);
        let Some((_, doc)) = self.store().scan::<RoomDoc>(ROOM_NAME, scan).await?.pop() else {
            return Ok(None);
        };
        self.0.names.lock().insert(rid, doc.room_id.clone());
        Ok(Some(doc.room_id))
    }

    /// The number of a room.
    pub(crate) async fn number(&self, room: &RoomId) -> Result<Option<u64>> {
        Ok(self.find(room).await?.map(|room| room.shared.rid))
    }

    /// A state map of a room.
    pub(crate) async fn group(&self, view: &RoomView, group: Group) -> Result<StateMap> {
        let cache = self
            .0
            .rooms
            .lock()
            .get(view.room_id())
            .map(|room| Arc::clone(&room.shared.cache));
        let cache = cache.unwrap_or_default();
        Ok(load_group(self.store(), &cache, view.rid(), group)
            .await?
            .state)
    }

    pub(super) async fn find(&self, room_id: &RoomId) -> Result<Option<Arc<Room>>> {
        if let Some(room) = self.0.rooms.lock().get(room_id) {
            room.shared.usage.touch(self.clock().now_ms());
            return Ok(Some(Arc::clone(room)));
        }
        let key = hash16(&[room_id.as_bytes()]);
        match self.store().get::<RoomDoc>(ROOM_NAME, &key).await? {
            Some(doc) => Ok(Some(self.open(&doc)?)),
            None => Ok(None),
        }
    }

    /// Gives a room a number, or finds the one it has.
    pub(super) async fn register(
        &self,
        room_id: &RoomId,
        version: RoomVersion,
    ) -> Result<Arc<Room>> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            if let Some(room) = self.find(room_id).await? {
                return if room.shared.version == version {
                    Ok(room)
                } else {
                    Err(Error::Inconsistent("the room has another version"))
                };
            }
            // 62 bits: positive as a signed number, and never 0, which is no room.
            let rid = (self.0.config.rng.next_u64() >> 2) | 1;
            let doc = RoomDoc {
                rid: rid as i64,
                room_id: room_id.to_owned(),
                version: version.as_str().to_owned(),
            };
            let key = hash16(&[room_id.as_bytes()]).to_vec();
            if self.store().insert_new(ROOM_NAME, key, &doc).await? {
                return self.open(&doc);
            }
        }
        Err(Error::Contention)
    }

    fn open(&self, doc: &RoomDoc) -> Result<Arc<Room>> {
        let version = doc.version()?;
        let rid = doc.rid as u64;
        let mut rooms = self.0.rooms.lock();
        if let Some(room) = rooms.get(&doc.room_id) {
            return Ok(Arc::clone(room));
        }
        let shared = Arc::new(Shared {
            rid,
            room_id: doc.room_id.clone(),
            version,
            cache: Arc::new(StateCache::default()),
            view: RwLock::new(None),
            committing: AtomicBool::new(false),
            end: AtomicU64::new(0),
            usage: Arc::new(Usage::new(self.clock().now_ms())),
        });
        let (sender, receiver) = mpsc::channel(QUEUE);
        let config = &self.0.config;
        let actor = Actor {
            shared: Arc::clone(&shared),
            store: config.store.clone(),
            identity: config.identity.clone(),
            clock: Arc::clone(&config.clock),
            rng: Arc::clone(&config.rng),
            queue: receiver,
            stop: config.stop.clone(),
            memory: None,
            is_behind: false,
            rival: None,
            appended: None,
        };
        // Ends when the server stops or the handle is gone.
        config.tracker.spawn(actor.run());
        let room = Arc::new(Room {
            shared,
            queue: sender,
        });
        rooms.insert(doc.room_id.clone(), Arc::clone(&room));
        self.0.names.lock().insert(rid, doc.room_id.clone());
        Ok(room)
    }

    /// How many rooms are in memory.
    pub fn in_use(&self) -> usize {
        self.0.rooms.lock().len()
    }

    /// Takes rooms out of memory that nobody has asked for since a time (milliseconds), and of the
    /// rest those that were asked for longest ago until at most `most` are left. Rooms that are at
    /// work stay. Returns how many went.
    pub fn evict(&self, since_ms: i64, most: usize) -> usize {
        let mut rooms = self.0.rooms.lock();
        let uses = rooms.iter().filter(|(_, room)| is_free(room));
        let mut free: Vec<(i64, OwnedRoomId)> = uses
            .map(|(id, room)| (room.shared.usage.last_ms(), id.clone()))
            .collect();
        free.sort_unstable();
        let surplus = rooms.len().saturating_sub(most);
        let gone = free
            .partition_point(|(last, _)| *last < since_ms)
            .max(surplus);
        let mut names = self.0.names.lock();
        free.truncate(gone);
        for (_, id) in &free {
            if let Some(room) = rooms.remove(id) {
                names.remove(&room.shared.rid);
            }
        }
        free.len()
    }

    /// Whether a room is in memory.
    pub fn is_in_use(&self, room: &RoomId) -> bool {
        self.0.rooms.lock().contains_key(room)
    }

    /// Takes a room out of memory unless it is at work; false if it is.
    pub fn evict_room(&self, room_id: &RoomId) -> bool {
        let mut rooms = self.0.rooms.lock();
        match rooms.get(room_id) {
            None => true,
            Some(room) if !is_free(room) => false,
            Some(room) => {
                self.0.names.lock().remove(&room.shared.rid);
                rooms.remove(room_id);
                true
            }
        }
    }
}

/// Whether nobody uses a room. Whoever holds one may send it a command; whoever does not must ask
/// the map first. So a room that only the map holds and that has no command left gets no second
/// actor.
fn is_free(room: &Arc<Room>) -> bool {
    Arc::strong_count(room) == 1 && room.shared.usage.is_idle()
}
