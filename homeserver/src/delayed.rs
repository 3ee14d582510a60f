//! Events that are sent later unless somebody keeps them from it (MSC4140).
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/4140>.

use std::{sync::Arc, time::Duration};

use gantry_accounts::{DelayedEvent, Session};
use gantry_model::{ErrorKind, Object, id::OwnedRoomId};
use gantry_rooms::{NewEvent, Txn};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{Act, Error, Result, core::Core};

/// The longest delay: a day.
const MAX_DELAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// The most events that wait for one user.
const MAX_PER_USER: usize = 100;
/// When to try again after the store failed.
const RETRY: Duration = Duration::from_secs(10);
/// The longest sleep: what another node took in, and did not send because it is gone, is due, too.
const MAX_SLEEP: Duration = Duration::from_secs(30);
/// What stands for a device in the requests that send these events.
const DEVICE: &str = "delayed event";

/// Events that are sent later.
#[derive(Clone)]
pub struct DelayedEvents {
    core: Arc<Core>,
    /// Told when something may be due earlier than it was.
    changed: Arc<Notify>,
}

/// An event to send later.
#[derive(Debug, Clone)]
pub struct NewDelayedEvent {
    /// The room.
    pub room: OwnedRoomId,
    /// The event type.
    pub kind: String,
    /// The state key, of a state event.
    pub state_key: Option<String>,
    /// The content.
    pub content: Object,
    /// How much later, in milliseconds.
    pub delay_ms: u64,
    /// The client's transaction: its repetition answers the same.
    pub txn: Option<String>,
}

/// What may be done to an event that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DelayedAction {
    /// It is not sent.
    Cancel,
    /// Its wait begins anew.
    Restart,
    /// It is sent now.
    Send,
}

impl DelayedEvents {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            core,
            changed: Arc::default(),
        }
    }

    /// Takes an event in; the answer is the secret by which it is restarted, sent or cancelled.
    pub async fn schedule(&self, session: &Session, event: NewDelayedEvent) -> Result<String> {
        self.core.may(session, Act::Send)?;
        let (user, accounts) = (&session.user_id, &self.core.accounts);
        let delay_ms = i64::try_from(event.delay_ms).unwrap_or(i64::MAX);
        if delay_ms > MAX_DELAY_MS {
            return Err(Error::invalid("The delay is too long"));
        }
        self.core.joined_view(user, &event.room).await?;
        let waiting = accounts.delayed_events(Some(user)).await?;
        let device = session.device_id.to_string();
        let same = waiting.iter().find(|one| {
            one.txn.is_some()
                && one.txn == event.txn
                && one.device == device
                && one.room == event.room
        });
        if let Some(same) = same {
            return Ok(same.delay_id.clone());
        }
        if waiting.len() >= MAX_PER_USER {
            let reason = "Too many of your events wait to be sent";
            return Err(Error::refused(ErrorKind::WrongState, reason));
        }
        let delayed = DelayedEvent {
            delay_id: accounts.new_delay_id(user),
            user: user.clone(),
            device,
            room: event.room,
            kind: event.kind,
            state_key: event.state_key,
            content: event.content,
            delay_ms,
            since_ms: self.core.clock.now_ms(),
            txn: event.txn,
        };
        accounts.put_delayed_event(&delayed).await?;
        self.changed.notify_one();
        Ok(delayed.delay_id)
    }

    /// The events of the user that wait, the next first.
    pub async fn list(&self, session: &Session) -> Result<Vec<DelayedEvent>> {
        let accounts = &self.core.accounts;
        let mut waiting = accounts.delayed_events(Some(&session.user_id)).await?;
        waiting.sort_by_key(DelayedEvent::due_ms);
        Ok(waiting)
    }

    /// Acts on the event of a secret: whoever has it may.
    pub async fn act(&self, delay_id: &str, action: DelayedAction) -> Result<()> {
        let accounts = &self.core.accounts;
        let unknown = || Error::not_found("No such delayed event");
        let mut event = accounts
            .delayed_event(delay_id)
            .await?
            .ok_or_else(unknown)?;
        match action {
            DelayedAction::Cancel => accounts.remove_delayed_event(delay_id).await?,
            DelayedAction::Restart => {
                event.since_ms = self.core.clock.now_ms();
                accounts.put_delayed_event(&event).await?;
            }
            DelayedAction::Send => {
                self.send(&event).await?;
                accounts.remove_delayed_event(delay_id).await?;
            }
        }
        self.changed.notify_one();
        Ok(())
    }

    /// Sends what is due, until the server stops. What became due while it was down is sent first.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let wait = match self.send_due().await {
                Ok(wait) => wait,
                Err(error) => {
                    warn!(%error, "delayed events cannot be read");
                    RETRY
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Sends what is due; returns how long nothing else will be.
    async fn send_due(&self) -> Result<Duration> {
        let accounts = &self.core.accounts;
        let mut waiting = accounts.delayed_events(None).await?;
        waiting.sort_by_key(DelayedEvent::due_ms);
        for event in waiting {
            let left = event.due_ms().saturating_sub(self.core.clock.now_ms());
            if left > 0 {
                let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                return Ok(left.min(MAX_SLEEP));
            }
            match self.send(&event).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
                // Nobody is there to be told that it is not allowed any more.
                Err(error) => {
                    info!(room.id = %event.room, %error, "a delayed event is not sent");
                }
            }
            accounts.remove_delayed_event(&event.delay_id).await?;
        }
        Ok(MAX_SLEEP)
    }

    /// Sends an event; doing it twice is doing it once.
    async fn send(&self, event: &DelayedEvent) -> Result<()> {
        let view = self.core.joined_view(&event.user, &event.room).await?;
        let (user, kind, content) = (event.user.clone(), &event.kind, event.content.clone());
        let new = match &event.state_key {
            Some(state_key) => NewEvent::state(user, kind, state_key, content),
            None => NewEvent::message(user, kind, content),
        };
        let txn = Txn {
            device: DEVICE.to_owned(),
            endpoint: "delayed",
            id: event.delay_id.clone(),
        };
        self.core.submit_in(&view, new.with_txn(txn)).await?;
        Ok(())
    }
}
