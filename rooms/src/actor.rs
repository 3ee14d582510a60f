//! The actor of a room: one task, one queue. It takes what is queued, drafts all of it ahead of the
//! log, commits it in one batch and only then answers.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use gantry_model::{
    Clock, Pdu, Rng, RoomVersion,
    id::{OwnedRoomId, UserId},
};
use gantry_store::{Batch, BatchOp, Op, Outcome, Position, Stamp, Store, schema::ROOM};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    Arrival, Error, Identity, Ingested, JoinImport, NewEvent, Result, RoomView, Submitted,
    Template,
    codec::{EntryDoc, KIND_LOG},
    commit::{Env, txn_hash},
    create::{Beginning, append_own, begin},
    draft::{draft, sign},
    dummy::merge_extremities,
    idle::{InUse, Usage},
    import::{History, import_history, import_join},
    ingest::{GivenState, Verdict, add_outliers, ingest},
    load::{binary, load, refresh},
    memory::{Memory, joined_users},
    state::StateCache,
};

/// Commands that are taken into one batch at most.
const MAX_COMMANDS: usize = 64;
/// How often a command is drafted anew after a conflict.
const MAX_TRIES: usize = 20;
/// Documents and bytes of one commit.
const MAX_OPS: usize = 900;

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
        given: Option<(Vec<Pdu>, Vec<Pdu>)>,
    },
    Outliers(Vec<Pdu>),
    Join(Box<JoinImport>),
    History {
        pdus: Vec<Pdu>,
        before_oldest: Option<(Vec<Pdu>, Vec<Pdu>)>,
    },
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
    pub(crate) task: Task,
    pub(crate) reply: oneshot::Sender<Result<Answer>>,
    /// Keeps the room in memory until the command is done.
    pub(crate) _use: InUse,
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
}

/// A command that was drafted and waits for its commit.
struct Waiting {
    command: Command,
    /// Its operations in the batch.
    ops: std::ops::Range<usize>,
    outcome: Pending,
}

/// The answer once the commit is there.
enum Pending {
    Ready(Result<Answer>),
    Submitted(gantry_model::id::OwnedEventId),
    Ingested { soft: bool },
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
            while commands.len() < MAX_COMMANDS
                && let Ok(command) = self.queue.try_recv()
            {
                commands.push(command);
            }
            self.work(commands).await;
        }
    }

    async fn work(&mut self, mut commands: Vec<Command>) {
        for _ in 0..MAX_TRIES {
            if commands.is_empty() {
                return;
            }
            commands = match self.attempt(commands).await {
                Ok(again) => again,
                Err((commands, error)) => {
                    tracing::error!(room.id = %self.shared.room_id, %error, "room is unavailable");
                    return refuse(commands, &error);
                }
            };
        }
        refuse(commands, &Error::Contention);
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

    async fn stage(&self, memory: &mut Memory, batch: &mut Batch, task: &Task) -> Result<Pending> {
        let is_local = |user: &UserId| self.identity.is_local(user);
        let env = Env {
            now_ms: self.clock.now_ms(),
            rng: &*self.rng,
            is_local: &is_local,
        };
        let done = Ok(Pending::Ready(Ok(Answer::Done)));
        match task {
            Task::Look => done,
            Task::Begin(beginning) => {
                begin(memory, batch, &env, &self.identity, beginning).await?;
                done
            }
            Task::Submit(event) if event.drafted.is_some() => {
                Self::require_local(memory)?;
                self.stage_drafted(memory, batch, &env, event).await
            }
            Task::Submit(event) => {
                Self::require_local(memory)?;
                match sign(memory, &env, &self.identity, event).await {
                    Ok(pdu) => {
                        let id = pdu.event_id().to_owned();
                        append_own(memory, batch, &env, pdu, Some(event)).await?;
                        Ok(Pending::Submitted(id))
                    }
                    Err(error) => match self.repeated(event).await? {
                        Some(submitted) => Ok(Pending::Ready(Ok(Answer::Submitted(submitted)))),
                        None => Err(error),
                    },
                }
            }
            Task::Draft(event) => {
                Self::require_local(memory)?;
                let pdu = sign(memory, &env, &self.identity, event).await?;
                Ok(Pending::Ready(Ok(Answer::Drafted(Box::new(
                    (*pdu).clone(),
                )))))
            }
            Task::Template(event) => {
                Self::require_local(memory)?;
                let template = self.template(memory, &env, event).await?;
                Ok(Pending::Ready(Ok(Answer::Template(Box::new(template)))))
            }
            Task::Ingest {
                pdu,
                arrival,
                given,
            } => {
                Self::require_local(memory)?;
                let given = given
                    .clone()
                    .map(|(state, auth_chain)| GivenState { state, auth_chain });
                let pdu = Arc::clone(pdu);
                let verdict = ingest(memory, batch, &env, pdu, *arrival, given, None).await?;
                Ok(match verdict {
                    Verdict::Appended { soft } => Pending::Ingested { soft },
                    Verdict::Done(ingested) => Pending::Ready(Ok(Answer::Ingested(ingested))),
                    Verdict::Rejected(rejection) => {
                        Pending::Ready(Ok(Answer::Ingested(Ingested::Rejected(rejection))))
                    }
                })
            }
            Task::Outliers(pdus) => {
                add_outliers(memory, batch, pdus.clone())?;
                done
            }
            Task::Join(import) => {
                import_join(memory, batch, &env, import).await?;
                done
            }
            Task::History {
                pdus,
                before_oldest,
            } => {
                let before_oldest = before_oldest
                    .clone()
                    .map(|(state, auth_chain)| GivenState { state, auth_chain });
                let history = History {
                    pdus: pdus.clone(),
                    before_oldest,
                };
                let added = import_history(memory, batch, &env, history).await?;
                Ok(Pending::Ready(Ok(Answer::Added(added))))
            }
        }
    }

    /// An event of a local user that was drafted before, and got another server's signature since.
    async fn stage_drafted(
        &self,
        memory: &mut Memory,
        batch: &mut Batch,
        env: &Env<'_>,
        event: &NewEvent,
    ) -> Result<Pending> {
        let Some(pdu) = event.drafted.clone() else {
            return Err(Error::Contention);
        };
        let id = pdu.event_id().to_owned();
        let (arrival, wanted) = (Arrival::Local, Some(event));
        let verdict = ingest(memory, batch, env, pdu, arrival, None, wanted).await;
        let refused = match verdict {
            Ok(Verdict::Appended { .. }) => return Ok(Pending::Submitted(id)),
            Ok(Verdict::Rejected(rejection)) => Error::Rejected(rejection),
            Ok(Verdict::Done(_)) => Error::Contention,
            Err(error) => error,
        };
        match self.repeated(event).await? {
            Some(submitted) => Ok(Pending::Ready(Ok(Answer::Submitted(submitted)))),
            None => Err(refused),
        }
    }

    async fn template(&self, memory: &Memory, env: &Env<'_>, event: &NewEvent) -> Result<Template> {
        let draft = draft(memory, env, event).await?;
        let rules = memory.rules();
        // A trial signature gives the event a form that the rules can be asked about.
        let trial = draft.sign(self.identity.server_name(), self.identity.key(), rules)?;
        crate::draft::authorize(memory, memory.head.cs, &trial).await?;
        let object = draft.to_object(event.sender.server_name(), rules);
        Ok(Template {
            object,
            version: memory.version,
        })
    }

    /// Without a local member there is no current state to act on.
    fn require_local(memory: &Memory) -> Result<()> {
        if memory.head.pos == 0 {
            return Err(Error::UnknownRoom);
        }
        if memory.local_joined > 0 {
            Ok(())
        } else {
            Err(Error::NotInRoom)
        }
    }

    /// Commits in pieces that one command of the engine can hold, each with a key at most once.
    /// What stands before the last log entry is harmless by itself.
    async fn commit(&self, batch: Batch) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(batch.ops.len());
        let mut last = None;
        for mut piece in pieces(batch) {
            if !outcomes.iter().all(Outcome::is_applied) {
                outcomes.extend(vec![Outcome::NotReached; piece.ops.len()]);
                continue;
            }
            chain_to(&mut piece, last);
            let applied = self.store.commit(piece).await?;
            last = applied.iter().rev().find_map(Outcome::position).or(last);
            outcomes.extend(applied);
        }
        Ok(outcomes)
    }

    /// Answers what was applied, settles the first conflict, and returns what must be repeated.
    async fn answer(&self, waiting: Vec<Waiting>, outcomes: &[Outcome]) -> Vec<Command> {
        let mut again = Vec::new();
        for one in waiting {
            let own = &outcomes[one.ops.clone()];
            let clean = again.is_empty() && own.iter().all(Outcome::is_applied);
            if clean {
                let position = own.iter().rev().find_map(Outcome::position);
                reply(one.command.reply, one.outcome.with(position));
                continue;
            }
            if again.is_empty()
                && let Some(settled) = self.settle(&one, own).await
            {
                reply(one.command.reply, settled);
                continue;
            }
            again.push(one.command);
        }
        again
    }

    /// The answer to a command whose entry is there already; `None`: draft it anew.
    async fn settle(&self, waiting: &Waiting, outcomes: &[Outcome]) -> Option<Result<Answer>> {
        let index = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Conflict { index } => Some(*index),
            _ => None,
        })??;
        match (index, &waiting.command.task) {
            ("txh", Task::Submit(event)) => match self.repeated(event).await {
                Ok(found) => found.map(|submitted| Ok(Answer::Submitted(submitted))),
                Err(error) => Some(Err(error)),
            },
            ("rc", Task::Submit(event)) => Some(self.same_message(event).await),
            ("le", Task::Ingest { .. }) => Some(Ok(Answer::Ingested(Ingested::Known))),
            _ => None,
        }
    }

    /// The entry that an earlier request of the same transaction made.
    async fn repeated(&self, event: &NewEvent) -> Result<Option<Submitted>> {
        let Some(txn) = &event.txn else {
            return Ok(None);
        };
        let hash = txn_hash(&event.sender, txn);
        let scan =
            gantry_store::Scan::index("txh", vec![(self.shared.rid as i64).into(), binary(&hash)]);
        let found = self
            .store
            .scan::<EntryDoc>(ROOM, scan.limit(1))
            .await?
            .pop();
        found.map(|(_, entry)| self.submitted(&entry)).transpose()
    }

    /// The entry that bears the message id which the client chose.
    async fn same_message(&self, event: &NewEvent) -> Result<Answer> {
        let Some(rc) = &event.rc else {
            return Err(Error::DuplicateId);
        };
        let scan = gantry_store::Scan::index("rc", vec![rc.as_str().into()]).limit(1);
        let found = self.store.scan::<EntryDoc>(ROOM, scan).await?.pop();
        let (_, entry) = found.ok_or(Error::DuplicateId)?;
        if entry.rid as u64 != self.shared.rid {
            return Err(Error::DuplicateId);
        }
        let pdu = self.body(&entry)?;
        if pdu.sender() != event.sender {
            return Err(Error::DuplicateId);
        }
        Ok(Answer::Submitted(self.submitted(&entry)?))
    }

    fn body(&self, entry: &EntryDoc) -> Result<Pdu> {
        let body = entry.body.as_ref().ok_or(Error::DuplicateId)?;
        crate::codec::restore(body, self.shared.version, &entry.hash()?)
    }

    fn submitted(&self, entry: &EntryDoc) -> Result<Submitted> {
        let rules = self.shared.version.rules();
        let event_id = match gantry_model::pdu::event_id_of_hash(&entry.hash()?, rules) {
            Some(id) => id,
            None => match &entry.body {
                Some(_) => self.body(entry)?.event_id().to_owned(),
                None => self.id_of_state_event(entry)?,
            },
        };
        Ok(Submitted {
            event_id,
            repeated: true,
            position: entry.position()?,
        })
    }

    /// Ids of versions 1 and 2 stand in the bodies only; those of state events are in memory.
    fn id_of_state_event(&self, entry: &EntryDoc) -> Result<gantry_model::id::OwnedEventId> {
        let view = self.shared.view.read().clone();
        view.and_then(|view| view.pdu_by_number(entry.rn? as u32))
            .map(|pdu| pdu.event_id().to_owned())
            .ok_or(Error::Broken("a state event without body"))
    }
}

impl Pending {
    fn with(self, position: Option<Position>) -> Result<Answer> {
        match (self, position) {
            (Self::Ready(answer), _) => answer,
            (Self::Submitted(event_id), Some(position)) => Ok(Answer::Submitted(Submitted {
                event_id,
                repeated: false,
                position,
            })),
            (Self::Ingested { soft: true }, Some(_)) => Ok(Answer::Ingested(Ingested::SoftFailed)),
            (Self::Ingested { soft: false }, Some(position)) => {
                Ok(Answer::Ingested(Ingested::Accepted(position)))
            }
            (Self::Submitted(_) | Self::Ingested { .. }, None) => {
                Err(Error::Broken("an entry without position"))
            }
        }
    }
}

/// A batch in pieces: not too large, and no key twice in one.
fn pieces(batch: Batch) -> Vec<Batch> {
    let mut pieces = vec![Batch::new()];
    let mut keys = HashSet::new();
    for op in batch.ops {
        let place = (op.op.table().name, op.op.key().clone());
        let full = pieces
            .last()
            .is_some_and(|piece| piece.ops.len() >= MAX_OPS);
        if full || keys.contains(&place) {
            pieces.push(Batch::new());
            keys.clear();
        }
        keys.insert(place);
        if let Some(piece) = pieces.last_mut() {
            piece.ops.push(op);
        }
    }
    pieces
}

/// Tells the first entry of a piece what stands before it: the last one of the piece before.
fn chain_to(piece: &mut Batch, last: Option<Position>) {
    let Some(last) = last else { return };
    let first = piece.ops.iter_mut().find(|op| op.stamp != Stamp::None);
    if let Some(BatchOp {
        op: Op::Insert { doc, .. },
        stamp: Stamp::PositionAfterPrevious,
    }) = first
    {
        doc.insert("pw", last);
    }
}

/// The key of a log entry.
pub(crate) fn entry_key(rid: u64, pos: u64) -> gantry_store::Key {
    crate::codec::key(rid, KIND_LOG, pos)
}

fn reply(to: oneshot::Sender<Result<Answer>>, answer: Result<Answer>) {
    // Whoever asked may have gone; the commit stands all the same.
    drop(to.send(answer));
}

fn refuse(commands: Vec<Command>, error: &Error) {
    for command in commands {
        let copy = match error {
            Error::Contention => Error::Contention,
            Error::Broken(what) => Error::Broken(what),
            _ => Error::Closed,
        };
        reply(command.reply, Err(copy));
    }
}
