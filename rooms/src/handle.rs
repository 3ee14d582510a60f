//! The handle to all rooms.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use gantry_model::{
    Clock, Object, Pdu, Rng, RoomVersion,
    id::{EventId, OwnedEventId, OwnedRoomId, RoomId, ServerName, UserId},
    pdu::event_hash,
};
use gantry_store::{Cut, Position, Scan, Store, hash16, schema::ROOM, schema::ROOM_NAME};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Arrival, Direction, Error, Identity, Ingested, JoinImport, Membership, MembershipRow, NewEvent,
    Page, Result, RoomEvent, RoomView, Submitted, Template, TimelineKey,
    actor::{Actor, Answer, Command, Shared, Task},
    codec::{EntryDoc, RoomDoc},
    commit::Env,
    create::{Beginning, create_event},
    erased::Erased,
    idle::Usage,
    load::binary,
    members::{row_of, rows_of, set_forgotten},
    state::{StateCache, load_group},
};

/// Commands that may wait for one room.
const QUEUE: usize = 1024;

/// What rooms are made of.
pub struct RoomsConfig {
    /// Who we are.
    pub identity: Identity,
    /// Where everything is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Runs the actors, so that a shutdown can wait for them.
    pub tracker: TaskTracker,
    /// Stops the actors.
    pub stop: CancellationToken,
}

/// All rooms. Cheap to clone.
#[derive(Clone)]
pub struct Rooms(Arc<Inner>);

struct Inner {
    config: RoomsConfig,
    /// Rooms in use, by id. Held for look-ups and insertions, never across an await.
    rooms: Mutex<HashMap<OwnedRoomId, Arc<Room>>>,
    /// Room ids by number.
    names: Mutex<HashMap<u64, OwnedRoomId>>,
    erased: Erased,
}

/// A room in use.
struct Room {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Command>,
}

impl Rooms {
    /// The handle; rooms are loaded when they are asked for.
    pub fn new(config: RoomsConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            rooms: Mutex::new(HashMap::new()),
            names: Mutex::new(HashMap::new()),
            erased: Erased::default(),
        }))
    }

    /// Who we are.
    pub fn identity(&self) -> &Identity {
        &self.0.config.identity
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.config.store
    }

    pub(crate) fn erased_users(&self) -> &Erased {
        &self.0.erased
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.config.clock
    }

    /// How far everything is committed and can be read.
    pub fn store_cut(&self) -> Cut {
        self.store().cut()
    }

    /// Tells whenever something was committed.
    pub fn subscribe(&self) -> watch::Receiver<Cut> {
        self.store().subscribe()
    }

    // ---- Writing.

    /// Makes a room: the create event and `events` after it, all or nothing.
    pub async fn create(
        &self,
        version: RoomVersion,
        creator: &UserId,
        create_content: Object,
        events: Vec<NewEvent>,
    ) -> Result<OwnedRoomId> {
        let config = &self.0.config;
        let is_local = |user: &UserId| config.identity.is_local(user);
        let env = Env {
            now_ms: config.clock.now_ms(),
            rng: &*config.rng,
            is_local: &is_local,
        };
        let creator = creator.to_owned();
        let create = create_event(&env, &config.identity, version, &creator, create_content)?;
        let room_id = create.room_id().to_owned();
        let room = self.register(&room_id, version).await?;
        let beginning = Beginning {
            create: Arc::new(create),
            events,
        };
        self.tell(&room, Task::Begin(beginning)).await?;
        Ok(room_id)
    }

    /// Makes an event of a local user true.
    pub async fn submit(&self, room: &RoomId, event: NewEvent) -> Result<Submitted> {
        if event.enters() {
            self.require_open(room).await?;
        }
        match self.ask(room, Task::Submit(event)).await? {
            Answer::Submitted(submitted) => Ok(submitted),
            _ => Err(Error::Closed),
        }
    }

    /// Drafts and signs an event without appending it: an invite that another server signs first.
    pub async fn draft(&self, room: &RoomId, event: NewEvent) -> Result<Pdu> {
        match self.ask(room, Task::Draft(event)).await? {
            Answer::Drafted(pdu) => Ok(*pdu),
            _ => Err(Error::Closed),
        }
    }

    /// The unsigned event with which a remote user may join, leave or knock now.
    pub async fn template(&self, room: &RoomId, event: NewEvent) -> Result<Template> {
        match self.ask(room, Task::Template(event)).await? {
            Answer::Template(template) => Ok(*template),
            _ => Err(Error::Closed),
        }
    }

    /// Takes in an event of another server. The caller has checked its format, signatures and hash
    /// (of a wrong hash, the redacted event is given).
    pub async fn ingest(&self, pdu: Pdu, arrival: Arrival) -> Result<Ingested> {
        self.take_in(pdu, arrival, None).await
    }

    /// The same for an event behind a gap, with the state before it as another server gives it.
    pub async fn ingest_with_state(
        &self,
        pdu: Pdu,
        arrival: Arrival,
        state: Vec<Pdu>,
        auth_chain: Vec<Pdu>,
    ) -> Result<Ingested> {
        self.take_in(pdu, arrival, Some((state, auth_chain))).await
    }

    async fn take_in(
        &self,
        pdu: Pdu,
        arrival: Arrival,
        given: Option<(Vec<Pdu>, Vec<Pdu>)>,
    ) -> Result<Ingested> {
        let room = pdu.room_id().to_owned();
        let task = Task::Ingest {
            pdu: Arc::new(pdu),
            arrival,
            given,
        };
        match self.ask(&room, task).await? {
            Answer::Ingested(ingested) => Ok(ingested),
            _ => Err(Error::Closed),
        }
    }

    /// Stores state events that authorize others, in any order.
    pub async fn add_outliers(&self, room: &RoomId, pdus: Vec<Pdu>) -> Result<()> {
        self.ask(room, Task::Outliers(pdus)).await.map(|_| ())
    }

    /// Takes in a room that we have joined through another server.
    pub async fn import_join(&self, import: JoinImport) -> Result<OwnedRoomId> {
        let room_id = import.join.room_id().to_owned();
        self.require_open(&room_id).await?;
        let room = self.register(&room_id, import.version).await?;
        self.tell(&room, Task::Join(Box::new(import))).await?;
        Ok(room_id)
    }

    /// Takes in older events, with the state before the oldest if another server gives it (state
    /// and auth chain). Returns how many were new.
    pub async fn import_history(
        &self,
        room: &RoomId,
        pdus: Vec<Pdu>,
        before_oldest: Option<(Vec<Pdu>, Vec<Pdu>)>,
    ) -> Result<usize> {
        match self
            .ask(
                room,
                Task::History {
                    pdus,
                    before_oldest,
                },
            )
            .await?
        {
            Answer::Added(count) => Ok(count),
            _ => Err(Error::Closed),
        }
    }

    // ---- Reading.

    /// The room as it is now; `None`: we have never been in it.
    pub async fn view(&self, room: &RoomId) -> Result<Option<RoomView>> {
        let Some(room) = self.find(room).await? else {
            return Ok(None);
        };
        let settled = !room.shared.committing.load(Ordering::SeqCst);
        let ready = if settled {
            room.shared.view.read().clone()
        } else {
            None
        };
        let view = match ready {
            Some(view) => Some(view),
            None => {
                self.tell(&room, Task::Look).await?;
                room.shared.view.read().clone()
            }
        };
        Ok(view.filter(|view| !view.is_empty()))
    }

    /// The room as it is now, or [`Error::UnknownRoom`].
    pub async fn get(&self, room: &RoomId) -> Result<RoomView> {
        self.view(room).await?.ok_or(Error::UnknownRoom)
    }

    /// The room's version.
    pub async fn version(&self, room: &RoomId) -> Result<Option<RoomVersion>> {
        Ok(self.find(room).await?.map(|room| room.shared.version))
    }

    /// The event of an id, if it is in the room's log.
    pub async fn event(&self, room: &RoomId, id: &EventId) -> Result<Option<RoomEvent>> {
        match self.view(room).await? {
            Some(view) => self.event_in(&view, id).await,
            None => Ok(None),
        }
    }

    /// The event of an id in whatever room it is.
    pub async fn find_event(&self, id: &EventId) -> Result<Option<RoomEvent>> {
        // An id is a hash in standard or URL-safe base64, or text: three forms to look for.
        for version in [RoomVersion::V12, RoomVersion::V3, RoomVersion::V1] {
            let hash = event_hash(id, version.rules());
            let scan = Scan::index("le_any", vec![binary(&hash)]).limit(4);
            for (entry_key, entry) in self.store().scan::<EntryDoc>(ROOM, scan).await? {
                let Some(room) = self.name(entry.rid as u64).await? else {
                    continue;
                };
                let Some(view) = self.view(&room).await? else {
                    continue;
                };
                let event = self.events_of(&view, vec![(entry_key, entry)]).await?.pop();
                if let Some(event) = event.filter(|event| event.event_id() == id) {
                    return Ok(Some(event));
                }
            }
        }
        Ok(None)
    }

    /// The event that bears a Rocket.Chat id.
    pub async fn find_by_rc(&self, rc: &str) -> Result<Option<RoomEvent>> {
        let scan = Scan::index("rc", vec![rc.into()]).limit(1);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        self.located(rows).await
    }

    /// The event of a hash: 32 bytes, or the first 16 of them.
    pub async fn find_by_hash(&self, room: &RoomId, prefix: &[u8]) -> Result<Option<RoomEvent>> {
        let Some(view) = self.view(room).await? else {
            return Ok(None);
        };
        let mut high = prefix.to_vec();
        high.resize(32, 0xff);
        let mut low = prefix.to_vec();
        low.resize(32, 0);
        let scan = Scan::index("le", vec![(view.rid() as i64).into()])
            .between(
                std::ops::Bound::Included(binary(&low)),
                std::ops::Bound::Included(binary(&high)),
            )
            .limit(1);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        Ok(self.events_of(&view, rows).await?.pop())
    }

    /// The event of any room whose hash begins with 16 bytes; `None` also if there are several.
    pub async fn find_by_hash_prefix(&self, prefix: [u8; 16]) -> Result<Option<RoomEvent>> {
        let bound = |fill: u8| {
            let mut bytes = prefix.to_vec();
            bytes.resize(32, fill);
            std::ops::Bound::Included(binary(&bytes))
        };
        let scan = Scan::index("le_any", Vec::new())
            .between(bound(0), bound(0xff))
            .limit(2);
        let rows = self.store().scan::<EntryDoc>(ROOM, scan).await?;
        if rows.len() == 1 {
            self.located(rows).await
        } else {
            Ok(None)
        }
    }

    /// The event at a position of the stream; `None` if none of the log stands there.
    pub async fn entry_at(&self, position: Position) -> Result<Option<RoomEvent>> {
        let place = vec![i64::from(position.w).into(), (position.s as i64).into()];
        let filler = self
            .store()
            .changes(
                &before(&self.store_cut(), position),
                &upto(&self.store_cut(), position),
            )
            .await?;
        if !filler
            .iter()
            .any(|change| change.position == position && change.table == ROOM)
        {
            return Ok(None);
        }
        let rows = self
            .store()
            .scan::<EntryDoc>(ROOM, Scan::index("ws", place).limit(1))
            .await?;
        self.located(rows).await
    }

    async fn located(&self, rows: Vec<(Vec<u8>, EntryDoc)>) -> Result<Option<RoomEvent>> {
        let Some((_, entry)) = rows.first() else {
            return Ok(None);
        };
        let Some(room) = self.name(entry.rid as u64).await? else {
            return Ok(None);
        };
        let Some(view) = self.view(&room).await? else {
            return Ok(None);
        };
        Ok(self.events_of(&view, rows).await?.pop())
    }

    /// An event, also one that is in no log.
    pub async fn pdu(&self, room: &RoomId, id: &EventId) -> Result<Option<Arc<Pdu>>> {
        let Some(view) = self.view(room).await? else {
            return Ok(None);
        };
        let hash = event_hash(id, view.rules());
        if let Some(rn) = view.dag().find(&hash) {
            return Ok(view.pdu_by_number(rn));
        }
        if let Some(event) = self.event_in(&view, id).await? {
            return Ok(Some(event.pdu));
        }
        let outlier = crate::view::outlier(self.store(), view.rid(), view.version(), &hash).await?;
        Ok(outlier.map(|(pdu, _)| Arc::new(pdu)))
    }

    /// Several events, also those that are in no log, in the order of their ids.
    pub async fn pdus(&self, room: &RoomId, ids: &[OwnedEventId]) -> Result<Vec<Option<Arc<Pdu>>>> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(self.pdu(room, id).await?);
        }
        Ok(found)
    }

    /// A page of the timeline: before `from` (the end of the log) or from there on, not past `to`.
    pub async fn timeline(
        &self,
        room: &RoomId,
        from: Option<TimelineKey>,
        to: Option<TimelineKey>,
        direction: Direction,
        limit: usize,
    ) -> Result<Page> {
        let view = self.get(room).await?;
        let from = from.unwrap_or(match direction {
            Direction::Backward => TimelineKey::END,
            Direction::Forward => TimelineKey::START,
        });
        self.timeline_in(&view, from, to, direction, limit).await
    }

    /// The events that relate to an event, oldest first.
    pub async fn relations(&self, room: &RoomId, target: &EventId) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        self.relations_in(&view, target).await
    }

    // ---- Memberships of local users.

    /// The rooms that a local user has to do with.
    pub async fn memberships(&self, user: &UserId) -> Result<Vec<MembershipRow>> {
        rows_of(self.store(), user).await
    }

    /// A local user's membership of a room.
    pub async fn membership_of(
        &self,
        user: &UserId,
        room: &RoomId,
    ) -> Result<Option<MembershipRow>> {
        match self.find(room).await? {
            Some(room) => row_of(self.store(), user, room.shared.rid).await,
            None => Ok(None),
        }
    }

    /// Takes a room that a user has left out of the user's sight.
    pub async fn forget(&self, user: &UserId, room: &RoomId) -> Result<()> {
        if let Some(row) = self.membership_of(user, room).await?
            && row.membership != Membership::Join
        {
            let rid = row.rid as u64;
            set_forgotten(self.store(), &row, rid).await?;
        }
        Ok(())
    }

    // ---- Rooms in use.

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
    pub(crate) async fn group(
        &self,
        view: &RoomView,
        group: crate::codec::Group,
    ) -> Result<gantry_state_res::StateMap> {
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

    async fn find(&self, room_id: &RoomId) -> Result<Option<Arc<Room>>> {
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
    async fn register(&self, room_id: &RoomId, version: RoomVersion) -> Result<Arc<Room>> {
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
        // Whoever holds a room may send it a command; whoever does not must ask here first. So a
        // room that only the map holds and that has no command left gets no second actor.
        let is_free =
            |room: &Arc<Room>| Arc::strong_count(room) == 1 && room.shared.usage.is_idle();
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

    /// Takes a room out of memory. False: it is at work.
    /// Whether a room is in memory.
    pub fn is_in_use(&self, room: &RoomId) -> bool {
        self.0.rooms.lock().contains_key(room)
    }

    /// Takes a room out of memory unless it is at work; false if it is.
    pub fn evict_room(&self, room_id: &RoomId) -> bool {
        let mut rooms = self.0.rooms.lock();
        let Some(room) = rooms.get(room_id) else {
            return true;
        };
        let is_free = Arc::strong_count(room) == 1 && room.shared.usage.is_idle();
        if is_free {
            rooms.remove(room_id);
        }
        is_free
    }

    async fn ask(&self, room: &RoomId, task: Task) -> Result<Answer> {
        let room = self.find(room).await?.ok_or(Error::UnknownRoom)?;
        self.tell(&room, task).await
    }

    async fn tell(&self, room: &Room, task: Task) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        room.queue
            .send(Command {
                task,
                reply,
                _use: room.shared.usage.begin(),
            })
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Whether a server has a joined member in the room.
    pub async fn is_server_in_room(&self, server: &ServerName, room: &RoomId) -> Result<bool> {
        Ok(self
            .view(room)
            .await?
            .is_some_and(|view| view.servers().contains(server)))
    }

    /// The ids of events by their hashes.
    pub(crate) fn ids(view: &RoomView, ids: &[OwnedEventId]) -> Vec<crate::codec::Hash> {
        ids.iter().map(|id| event_hash(id, view.rules())).collect()
    }
}

/// The cut right before a position.
fn before(cut: &Cut, position: Position) -> Cut {
    upto(
        cut,
        Position {
            w: position.w,
            s: position.s.saturating_sub(1),
        },
    )
}

/// The cut that ends at a position of its writer and has nothing of the others.
fn upto(cut: &Cut, position: Position) -> Cut {
    let mut end = Cut::new(cut.generation());
    end.advance(position);
    end
}
