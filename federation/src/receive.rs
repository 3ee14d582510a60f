//! How an event of another server becomes ours.
//!
//! The seven checks on receipt: 1 (format), 2 (signatures) and 3 (hash) are in `check.rs` and come
//! before the transaction is acknowledged; 4 (auth events), 5 (state before) and 6 (current state)
//! are the room engine's `ingest`; 7 (policy servers) is not made yet. In between, acknowledged
//! events lie in staging, and one task per room works them off in order. What they refer to and we
//! do not have is fetched in `receive/gap.rs`.

mod gap;
mod order;
mod state;

pub(crate) use state::Asker;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::Arc,
};

use gantry_model::{
    Pdu,
    id::{OwnedRoomId, OwnedServerName, ServerName},
};
use gantry_rooms::{Arrival, Ingested, Rooms};
use parking_lot::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Error, Result, check::Checker, client::Client};

/// Acknowledged events of one room that may wait.
const MAX_WAITING: usize = 2_000;

/// An acknowledged event.
#[derive(Debug)]
struct Waiting {
    origin: OwnedServerName,
    pdu: Pdu,
}

/// Takes events in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    rooms: Rooms,
    client: Client,
    checker: Checker,
    tracker: TaskTracker,
    stop: CancellationToken,
    /// Rooms with a task, and what waits for it.
    queues: Mutex<HashMap<OwnedRoomId, VecDeque<Waiting>>>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl Receiver {
    pub(crate) fn new(
        rooms: Rooms,
        client: Client,
        checker: Checker,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            rooms,
            client,
            checker,
            tracker,
            stop,
            queues: Mutex::default(),
        }))
    }

    /// Works off what was acknowledged before the last stop.
    pub(crate) async fn replay(&self) -> Result<()> {
        for staged in self.0.rooms.staged().await? {
            let version = self.0.rooms.version(&staged.room_id).await?;
            let pdu = version.and_then(|version| Pdu::parse(staged.object, version).ok());
            match pdu {
                Some(pdu) => self.push(Waiting {
                    origin: staged.origin,
                    pdu,
                }),
                None => {
                    self.0
                        .rooms
                        .unstage(&staged.room_id, &staged.event_id)
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// Whether the room takes more events now.
    pub(crate) fn has_place(&self, room: &gantry_model::id::RoomId) -> bool {
        self.0
            .queues
            .lock()
            .get(room)
            .is_none_or(|queue| queue.len() < MAX_WAITING)
    }

    /// Stores events that passed the checks 1 to 3, so that they may be acknowledged, and works
    /// on them later.
    pub(crate) async fn accept(&self, origin: &ServerName, pdus: Vec<Pdu>) -> Result<()> {
        if pdus.is_empty() {
            return Ok(());
        }
        self.0.rooms.stage(origin, &pdus).await?;
        for pdu in pdus {
            self.push(Waiting {
                origin: origin.to_owned(),
                pdu,
            });
        }
        Ok(())
    }

    /// Queues an event and starts the room's task if there is none.
    fn push(&self, waiting: Waiting) {
        let room = waiting.pdu.room_id().to_owned();
        let mut queues = self.0.queues.lock();
        let is_new = !queues.contains_key(&room);
        queues.entry(room.clone()).or_default().push_back(waiting);
        drop(queues);
        if is_new {
            let receiver = self.clone();
            self.0
                .tracker
                .spawn(async move { receiver.work(room).await });
        }
    }

    /// The task of one room; it ends when nothing waits.
    async fn work(self, room: OwnedRoomId) {
        while let Some(waiting) = self.next(&room) {
            if self.0.stop.is_cancelled() {
                return;
            }
            let event_id = waiting.pdu.event_id().to_owned();
            let taken = tokio::select! {
                () = self.0.stop.cancelled() => return,
                taken = self.take_in(&waiting) => taken,
            };
            match taken {
                Ok(ingested) => tracing::debug!(%event_id, ?ingested, "an event was received"),
                Err(error) if is_temporary(&error) => {
                    // It stays in staging for the next start.
                    tracing::warn!(%event_id, %error, "an event waits for storage");
                    continue;
                }
                Err(error) => tracing::info!(%event_id, %error, "an event was not taken in"),
            }
            if let Err(error) = self.0.rooms.unstage(&room, &event_id).await {
                tracing::warn!(%event_id, %error, "a received event could not be unstaged");
            }
        }
    }

    /// The next event, or the end of the room's task.
    fn next(&self, room: &OwnedRoomId) -> Option<Waiting> {
        let mut queues = self.0.queues.lock();
        let next = queues.get_mut(room).and_then(VecDeque::pop_front);
        if next.is_none() {
            queues.remove(room);
        }
        next
    }

    async fn take_in(&self, waiting: &Waiting) -> Result<Ingested> {
        // 4, 5 and 6.
        match self
            .0
            .rooms
            .ingest(waiting.pdu.clone(), Arrival::Transaction)
            .await?
        {
            Ingested::Missing { .. } => {
                gap::fill(&self.0, &waiting.origin, waiting.pdu.clone()).await
            }
            done => Ok(done),
        }
    }
}

/// Whether the failure is ours and may pass.
fn is_temporary(error: &Error) -> bool {
    use gantry_model::ErrorKind::{Internal, Unavailable};
    matches!(error.kind(), Internal | Unavailable)
}
