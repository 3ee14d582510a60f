//! The actor of a room: one task, one queue. It takes what is queued, drafts all of it ahead of the
//! log, commits it in one batch and only then answers.

mod answer;
mod pieces;
mod stage;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use gantry_model::{
    Clock, Pdu, Rng, RoomVersion,
    id::{OwnedRoomId, UserId},
};
use gantry_store::{Batch, Outcome, Store};
use parking_lot::RwLock;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use self::answer::{Pending, Waiting, refuse, reply};
use crate::{
    Arrival, Error, GivenState, Identity, Ingested, JoinImport, NewEvent, Result, RoomView,
    Submitted, Template,
    commit::Env,
    create::Beginning,
    dummy::merge_extremities,
    idle::{InUse, Usage},
    import::History,
    load::{load, refresh},
    memory::{Memory, joined_users},
    state::StateCache,
};

/// Commands that are taken into one batch at most.
const MAX_COMMANDS: usize = 64;
/// How often a command is drafted anew after a conflict.
const MAX_TRIES: usize = 100;
/// The longest pause, in microseconds, before a node appends again to a room that others write to as well. It knows its
/// own last entry before they can read it, and would win every race.
const MAX_PAUSE_US: u64 = 40_000;
/// How long a node that wrote to a room is taken to write to it.
const RIVALRY: Duration = Duration::from_secs(1);

/// What a room can be told to do.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    Look,
    Begin(Beginning),
    Submit(NewEvent),
    Draft(NewEvent),
    Template(NewEvent),
    Ingest {
        pdu: Arc<Pdu>,
        arrival: Arrival,
        given: Option<GivenState>,
    },
    Outliers(Vec<Arc<Pdu>>),
    Join(Box<JoinImport>),
    History(History),
    Complete(GivenState),
}

/// What a room answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    Submitted(Submitted),
    Drafted(Box<Pdu>),
    Template(Box<Template>),
    Ingested(Ingested),
    Added(usize),
}

/// A task and who waits for it.
pub(crate) struct Command {
    /// On its own: a queue has room for many commands, and is mostly empty.
    pub(crate) task: Box<Task>,
    pub(crate) reply: oneshot::Sender<Result<Answer>>,
    /// Keeps the room in memory until the command is done.
    pub(crate) _use: InUse,
}

impl Command {
    fn only_looks(&self) -> bool {
        matches!(*self.task, Task::Look)
    }
}

/// What readers share with the actor.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rid: u64,
    pub(crate) room_id: OwnedRoomId,
    pub(crate) version: RoomVersion,
    pub(crate) cache: Arc<StateCache>,
    /// The room as it was committed last. Written by the actor only; held for a clone.
    pub(crate) view: RwLock<Option<RoomView>>,
    /// Whether the log may be longer than the view shows: from before a commit until the view after
    /// it is there. A reader who knows a cut that covers the commit then asks the actor.
    pub(crate) committing: AtomicBool,
    /// The last entry of the log that this node has heard of. A view that ends before it is outdated.
    pub(crate) end: AtomicU64,
    /// Since when nobody has asked for the room, and whether its actor has something to do.
    pub(crate) usage: Arc<Usage>,
}

impl Shared {
    /// The room as it was committed last, if nothing is known to be newer.
    pub(crate) fn settled_view(&self) -> Option<RoomView> {
        if self.committing.load(Ordering::SeqCst) {
            return None;
        }
        let end = self.end.load(Ordering::SeqCst);
        self.view.read().clone().filter(|view| view.pos() >= end)
    }
}

/// The actor's side.
pub(crate) struct Actor {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Store,
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) queue: mpsc::Receiver<Command>,
    pub(crate) stop: CancellationToken,
    pub(crate) memory: Option<Memory>,
    /// Whether the log is known to be longer than the memory.
    pub(crate) is_behind: bool,
    /// When another node was last seen to have appended.
    pub(crate) rival: Option<Instant>,
    /// When this node has last appended.
    pub(crate) appended: Option<Instant>,
}

impl Actor {
    /// Works until the server stops or nobody holds the room any more.
    pub(crate) async fn run(mut self) {
        loop {
            let first = tokio::select! {
                command = self.queue.recv() => command,
                () = self.stop.cancelled() => None,
            };
            let Some(first) = first else { return };
            let mut commands = vec![first];
            self.gather(&mut commands);
            // On its own, so that a room where nothing happens does not hold room for it.
            Box::pin(self.work(commands)).await;
        }
    }

    async fn work(&mut self, mut commands: Vec<Command>) {
        if !commands.iter().all(Command::only_looks) {
            self.let_others_go_first().await;
        }
        for _ in 0..MAX_TRIES {
            commands = match self.attempt(commands).await {
                Ok(again) => again,
                Err((commands, error)) => {
                    tracing::error!(room.id = %self.shared.room_id, %error, "room is unavailable");
                    return refuse(commands, &error);
                }
            };
            if commands.is_empty() {
                return;
            }
            self.gather(&mut commands);
        }
        refuse(commands, &Error::Contention);
    }

    /// Takes what is queued to the commands, as much as fits into a batch.
    fn gather(&mut self, commands: &mut Vec<Command>) {
        while commands.len() < MAX_COMMANDS
            && let Ok(command) = self.queue.try_recv()
        {
            commands.push(command);
        }
    }

    /// Pauses by chance if this node has just appended, and others write to the room too.
    async fn let_others_go_first(&self) {
        let is_recent =
            |time: Option<Instant>, within| time.is_some_and(|at| at.elapsed() < within);
        if is_recent(self.rival, RIVALRY)
            && is_recent(self.appended, Duration::from_micros(MAX_PAUSE_US))
        {
            let micros = self.rng.next_u64() % MAX_PAUSE_US;
            tokio::time::sleep(Duration::from_micros(micros)).await;
        }
    }

    /// Drafts and commits; returns the commands that must be drafted anew.
    async fn attempt(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Vec<Command>, (Vec<Command>, Error)> {
        let mut memory = match self.current_memory().await {
            Ok(memory) => memory,
            Err(error) => return Err((commands, error)),
        };
        let mark = memory.mark();
        let mut batch = Batch::new();
        let mut waiting: Vec<Waiting> = Vec::with_capacity(commands.len());
        for command in commands {
            if command.only_looks() {
                // What there is to see is published, whatever becomes of the batch.
                reply(command.reply, Ok(Answer::Done));
                continue;
            }
            let start = batch.ops.len();
            let outcome = match self.stage(&mut memory, &mut batch, &command.task).await {
                Ok(outcome) => outcome,
                Err(error) => Pending::Ready(Err(error)),
            };
            memory.discard_unused();
            waiting.push(Waiting {
                command,
                ops: start..batch.ops.len(),
                outcome,
            });
        }
        self.merge(&mut memory, &mut batch).await;
        self.shared.committing.store(true, Ordering::SeqCst);
        let outcomes = match self.commit(batch).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let commands = waiting.into_iter().map(|one| one.command).collect();
                return Err((commands, error));
            }
        };
        if outcomes.iter().all(Outcome::is_applied) {
            memory.settle(outcomes.iter().rev().find_map(Outcome::position));
            if !outcomes.is_empty() {
                self.appended = Some(Instant::now());
            }
            self.publish(&memory).await;
        } else {
            // Another node was faster, or the event is there already: what is stored counts.
            memory.return_to(mark);
            self.is_behind = true;
        }
        self.memory = Some(memory);
        Ok(self.answer(waiting, &outcomes).await)
    }

    /// The memory, with everything that this node has heard of.
    async fn current_memory(&mut self) -> Result<Memory> {
        let Some(mut memory) = self.memory.take() else {
            return self.load().await;
        };
        let end = self.shared.end.load(Ordering::SeqCst);
        if self.is_behind || memory.head.pos < end || !self.store.is_fresh() {
            if refresh(&mut memory).await? {
                self.rival = Some(Instant::now());
                self.count_local(&mut memory).await?;
            }
            self.is_behind = false;
            self.publish(&memory).await;
        }
        Ok(memory)
    }

    async fn load(&self) -> Result<Memory> {
        let shared = &self.shared;
        let mut memory = load(
            &self.store,
            shared.rid,
            shared.room_id.clone(),
            shared.version,
            Arc::clone(&shared.cache),
        )
        .await?;
        self.count_local(&mut memory).await?;
        self.publish(&memory).await;
        Ok(memory)
    }

    async fn count_local(&self, memory: &mut Memory) -> Result<()> {
        let state = memory.state(memory.head.cs).await?;
        memory.local_joined = joined_users(&memory.dag, &state)
            .filter(|user| self.identity.is_local(user))
            .count() as i64;
        Ok(())
    }

    async fn publish(&self, memory: &Memory) {
        match memory.state(memory.head.cs).await {
            Ok(state) => {
                let view = RoomView::new(memory, state);
                *self.shared.view.write() = Some(view);
                self.shared.committing.store(false, Ordering::SeqCst);
            }
            Err(error) => {
                tracing::error!(room.id = %memory.room_id, %error, "current state is unreadable");
            }
        }
    }

    /// Merges extremities if there are too many. What was drafted stands without it.
    async fn merge(&self, memory: &mut Memory, batch: &mut Batch) {
        let is_local = |user: &UserId| self.identity.is_local(user);
        let env = Env {
            now_ms: self.clock.now_ms(),
            rng: &*self.rng,
            is_local: &is_local,
        };
        if let Err(error) = merge_extremities(memory, batch, &env, &self.identity).await {
            tracing::warn!(room.id = %self.shared.room_id, %error, "extremities stay unmerged");
        }
    }
}
