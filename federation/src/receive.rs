//! How an event of another server becomes ours.
//!
//! The seven checks on receipt: 1 (format), 2 (signatures) and 3 (hash) are in `check.rs` and come
//! before the transaction is acknowledged; 4 (auth events), 5 (state before) and 6 (current state)
//! are the room engine's `ingest`; 7 is in `policy.rs` and comes before them. In between, acknowledged
//! events lie in staging, and one task per room works them off in order. What they refer to and we
//! do not have is fetched in `receive/gap.rs`, by a task per room and server beside it: whoever does
//! not answer delays only what came from him.

mod gap;
mod order;
mod queue;
mod state;

pub(crate) use state::Asker;

use std::{fmt, sync::Arc, time::Duration};

use gantry_model::{
    Pdu,
    id::{RoomId, ServerName},
};
use gantry_rooms::{Arrival, Ingested, Rooms, Staged};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Error, Result,
    check::Checker,
    client::Client,
    policy::Policy,
    receive::queue::{Lane, Queues, Waiting},
};

/// Lanes in which something is fetched at once.
const MAX_FETCHING: usize = 64;
/// When a server that has too much waiting may come again, in milliseconds.
const RETRY_AFTER_MS: u64 = 5_000;
/// How long what is staged waits where much is to be done already.
const PAUSE: Duration = Duration::from_millis(200);

/// Takes events in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Receiver(Arc<Inner>);

struct Inner {
    rooms: Rooms,
    client: Client,
    checker: Checker,
    policy: Policy,
    tracker: TaskTracker,
    stop: CancellationToken,
    queues: Mutex<Queues>,
    fetching: Semaphore,
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
        policy: Policy,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            rooms,
            client,
            checker,
            policy,
            tracker,
            stop,
            queues: Mutex::default(),
            fetching: Semaphore::new(MAX_FETCHING),
        }))
    }

    /// Works off what was acknowledged before the last stop, room by room.
    pub(crate) async fn replay(&self) -> Result<()> {
        let mut after = None;
        while let Some((staged, last)) = self.0.rooms.staged_room(after).await? {
            for one in staged {
                self.replay_one(one).await?;
            }
            while self.0.queues.lock().is_busy() {
                tokio::select! {
                    () = self.0.stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
            after = Some(last);
        }
        Ok(())
    }

    async fn replay_one(&self, staged: Staged) -> Result<()> {
        let rooms = &self.0.rooms;
        let version = rooms.version(&staged.room_id).await?;
        let pdu = version.and_then(|version| Pdu::parse(staged.object, version).ok());
        match pdu {
            Some(pdu) => self.push(Waiting::new(staged.origin, pdu)),
            None => rooms.unstage(&staged.room_id, &staged.event_id).await?,
        }
        Ok(())
    }

    /// Whether the room takes more events now.
    pub(crate) fn has_place(&self, room: &RoomId) -> bool {
        self.0.queues.lock().has_place(room)
    }

    /// Fails if so much of this server waits that it must come again later.
    pub(crate) fn require_place(&self, origin: &ServerName) -> Result<()> {
        if self.0.queues.lock().takes_from(origin) {
            Ok(())
        } else {
            Err(Error::Overloaded {
                retry_after_ms: RETRY_AFTER_MS,
            })
        }
    }

    /// Stores events that passed the checks 1 to 3, so that they may be acknowledged, and works
    /// on them later.
    pub(crate) async fn accept(&self, origin: &ServerName, pdus: Vec<Pdu>) -> Result<()> {
        if pdus.is_empty() {
            return Ok(());
        }
        self.0.rooms.stage(origin, &pdus).await?;
        for pdu in pdus {
            self.push(Waiting::new(origin.to_owned(), pdu));
        }
        Ok(())
    }

    fn push(&self, waiting: Waiting) {
        let lane = self.0.queues.lock().push(waiting);
        self.start(lane);
    }

    /// Starts the task of a lane that has none.
    fn start(&self, lane: Option<Lane>) {
        if let Some(lane) = lane {
            let receiver = self.clone();
            self.0
                .tracker
                .spawn(async move { receiver.work(lane).await });
        }
    }

    /// The task of one lane; it ends when nothing waits.
    async fn work(self, lane: Lane) {
        while let Some(waiting) = self.next(&lane) {
            let event_id = waiting.pdu.event_id().to_owned();
            let taken = tokio::select! {
                () = self.0.stop.cancelled() => return,
                taken = self.take_in(&lane, &waiting) => taken,
            };
            match taken {
                Ok(Some(ingested)) => {
                    tracing::debug!(%event_id, ?ingested, "an event was received");
                }
                Ok(None) => {
                    let held = self.0.queues.lock().hold(waiting);
                    self.start(held);
                    continue;
                }
                Err(error) if is_temporary(&error) => {
                    // It stays in staging for the next start.
                    tracing::warn!(%event_id, %error, "an event waits for storage");
                    self.0.queues.lock().done(&waiting);
                    continue;
                }
                Err(error) => tracing::info!(%event_id, %error, "an event was not taken in"),
            }
            self.0.queues.lock().done(&waiting);
            let room = waiting.pdu.room_id();
            if let Err(error) = self.0.rooms.unstage(room, &event_id).await {
                tracing::warn!(%event_id, %error, "a received event could not be unstaged");
            }
        }
    }

    fn next(&self, lane: &Lane) -> Option<Waiting> {
        self.0.queues.lock().next(lane)
    }

    /// Checks 4, 5 and 6. `None`: something must be fetched first, in the lane for that.
    async fn take_in(&self, lane: &Lane, waiting: &Waiting) -> Result<Option<Ingested>> {
        let (pdu, arrival) = self
            .0
            .judged(waiting.pdu.clone(), Arrival::Transaction, true)
            .await?;
        let ingested = self.0.rooms.ingest(pdu, arrival).await?;
        match (ingested, lane) {
            (Ingested::Missing { .. }, Lane::Ready(_)) => Ok(None),
            (Ingested::Missing { .. }, Lane::Held(..)) => self.fetch(waiting).await.map(Some),
            (done, _) => Ok(Some(done)),
        }
    }

    async fn fetch(&self, waiting: &Waiting) -> Result<Ingested> {
        let of_server = self.0.queues.lock().fetching(&waiting.origin);
        let _of_server = match &of_server {
            Some(of_server) => of_server.acquire().await.ok(),
            None => None,
        };
        let _permit = self.0.fetching.acquire().await;
        gap::fill(&self.0, &waiting.origin, waiting.pdu.clone()).await
    }
}

impl Inner {
    /// Check 7: the event with the policy server's signature, and how it is taken in.
    async fn judged(&self, pdu: Pdu, arrival: Arrival, may_ask: bool) -> Result<(Pdu, Arrival)> {
        let Some(view) = self.rooms.view(pdu.room_id()).await? else {
            return Ok((pdu, arrival));
        };
        let judged = self.policy.judge(&view, pdu, may_ask).await;
        let arrival = if judged.is_recommended {
            arrival
        } else {
            Arrival::NotRecommended
        };
        Ok((judged.pdu, arrival))
    }
}

/// Whether the failure is ours and may pass.
fn is_temporary(error: &Error) -> bool {
    use gantry_model::ErrorKind::{Internal, Unavailable};
    matches!(error.kind(), Internal | Unavailable)
}
