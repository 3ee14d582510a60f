//! The handle to all rooms, and what can be done to them.

mod in_use;
mod others;
mod reading;

use std::{collections::HashMap, sync::Arc};

use gantry_model::{
    Clock, Object, Pdu, Rng, RoomVersion,
    id::{OwnedRoomId, RoomId, UserId},
};
use gantry_store::{Cut, Store};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Arrival, Error, GivenState, Identity, Ingested, JoinImport, NewEvent, Result, Submitted,
    Template,
    actor::{Answer, Command, Shared, Task},
    commit::Env,
    create::{Beginning, create_event},
    erased::Erased,
    import::History,
};

/// Commands that may wait for one room.
const QUEUE: usize = 1024;
/// Equal rooms that can be made in one millisecond.
const MOST_ALIKE: i64 = 100;

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
    /// How far it was noted what other nodes have appended. Held for copies.
    heeded: RwLock<Cut>,
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
            heeded: RwLock::new(config.store.cut()),
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

    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.0.config.stop
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.config.clock
    }

    /// How far everything is committed and can be read.
    pub fn store_cut(&self) -> Cut {
        self.store().cut()
    }

    /// Whether there can be other nodes.
    pub fn has_other_nodes(&self) -> bool {
        self.store().is_shared()
    }

    /// Whether this node does what one node does for all.
    pub fn leads(&self) -> bool {
        *self.store().leads().borrow()
    }

    /// Tells whenever something was committed.
    pub fn subscribe(&self) -> watch::Receiver<Cut> {
        self.store().subscribe()
    }

    /// Makes a room: the create event and `events` after it, all or nothing. Where the id is the
    /// hash of the create event, equal rooms of the same millisecond would be one room: the later
    /// one is dated a little later.
    pub async fn create(
        &self,
        version: RoomVersion,
        creator: &UserId,
        create_content: Object,
        events: Vec<NewEvent>,
    ) -> Result<OwnedRoomId> {
        let config = &self.0.config;
        let is_local = |user: &UserId| config.identity.is_local(user);
        for later_ms in 0..MOST_ALIKE {
            let env = Env {
                now_ms: config.clock.now_ms() + later_ms,
                rng: &*config.rng,
                is_local: &is_local,
            };
            let content = create_content.clone();
            let create = create_event(&env, &config.identity, version, creator, content)?;
            let room_id = create.room_id().to_owned();
            let room = self.register(&room_id, version).await?;
            let beginning = Beginning {
                create: Arc::new(create),
                events: events.clone(),
            };
            match self.tell(&room, Task::Begin(beginning)).await {
                Err(Error::RoomExists) => {}
                begun => return begun.map(|_| room_id),
            }
        }
        Err(Error::RoomExists)
    }

    /// Makes an event of a local user true.
    pub async fn submit(&self, room: &RoomId, event: NewEvent) -> Result<Submitted> {
        if event.enters() {
            self.require_open(room).await?;
        }
        let taken_out = event.takes_out();
        match self.ask(room, Task::Submit(event)).await? {
            Answer::Submitted(submitted) => {
                // What a user may no longer see no node shows him once this is acknowledged.
                if taken_out.is_some_and(|user| self.identity().is_local(&user)) {
                    self.store().reach_all(submitted.position).await;
                }
                Ok(submitted)
            }
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
        given: GivenState,
    ) -> Result<Ingested> {
        self.take_in(pdu, arrival, Some(given)).await
    }

    async fn take_in(
        &self,
        pdu: Pdu,
        arrival: Arrival,
        given: Option<GivenState>,
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
    pub async fn add_outliers(&self, room: &RoomId, pdus: Vec<Arc<Pdu>>) -> Result<()> {
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

    /// Makes the state of a room whole that was joined with members left out: `given` is that before
    /// our join, signatures and hashes checked. Does nothing where it is whole.
    pub async fn complete_join(&self, room: &RoomId, given: GivenState) -> Result<()> {
        self.ask(room, Task::Complete(given)).await.map(|_| ())
    }

    /// Takes in older events, with the state before the oldest if another server gives it (state
    /// and auth chain). Returns how many were new.
    pub async fn import_history(
        &self,
        room: &RoomId,
        pdus: Vec<Arc<Pdu>>,
        before_oldest: Option<GivenState>,
    ) -> Result<usize> {
        let history = History {
            pdus,
            before_oldest,
        };
        match self.ask(room, Task::History(history)).await? {
            Answer::Added(count) => Ok(count),
            _ => Err(Error::Closed),
        }
    }

    async fn ask(&self, room: &RoomId, task: Task) -> Result<Answer> {
        let room = self.find(room).await?.ok_or(Error::UnknownRoom)?;
        self.tell(&room, task).await
    }

    async fn tell(&self, room: &Room, task: Task) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        room.queue
            .send(Command {
                task: Box::new(task),
                reply,
                _use: room.shared.usage.begin(),
            })
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}
