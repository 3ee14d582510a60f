//! What changed for a user: the one source of every surface's live updates.

use std::{sync::Arc, time::Duration};

use gantry_accounts::{AccountDatum, Receipt, Session, UserPresence};
use gantry_model::{
    Object, Pdu,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Cut, RoomChanges, RoomEvent, RoomView, StreamKind, TimelineKey};
use tokio::{sync::watch, time::Instant};

use crate::{
    Aggregations, EventFilter, Result, SyncToken, Unread, core::Core, feed_interest::Waiting,
};

/// What changed for a user.
#[derive(Clone)]
pub struct Feed {
    pub(crate) core: Arc<Core>,
}

/// Which changes are wanted.
#[derive(Debug, Clone, Default)]
pub struct FeedOptions {
    /// Which events of timelines, and how many per room (10 if it says nothing).
    pub timeline: EventFilter,
    /// Rooms that the user left before `since`, too, where there is no `since`.
    pub include_leave: bool,
    /// The rooms to include; `None`: all.
    pub rooms: Option<Vec<OwnedRoomId>>,
    /// The rooms to leave out.
    pub not_rooms: Vec<OwnedRoomId>,
    /// All state of all joined rooms, whatever the client knows.
    pub full_state: bool,
}

/// What changed for a user between two points.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    /// Rooms that the user is in, in which something changed.
    pub joined: Vec<JoinedChange>,
    /// New invites.
    pub invited: Vec<InvitedChange>,
    /// New knocks of the user.
    pub knocked: Vec<InvitedChange>,
    /// Rooms that the user left, or was removed from.
    pub left: Vec<LeftChange>,
    /// Account data that belongs to no room.
    pub account_data: Vec<AccountDatum>,
    /// Who came, went or says something new about it.
    pub presence: Vec<UserPresence>,
}

/// Changes in a room that the user is in.
#[derive(Debug, Clone)]
pub struct JoinedChange {
    /// The room.
    pub room_id: OwnedRoomId,
    /// New events; `None` if the room's log did not change.
    pub timeline: Option<RoomTimeline>,
    /// Whether the client knows nothing of the room yet.
    pub full: bool,
    /// Whether the user was not in the room at the start of the span.
    pub newly: bool,
    /// The room now.
    pub view: RoomView,
    /// New account data of the room.
    pub account_data: Vec<AccountDatum>,
    /// Receipts that moved: those of everybody, and the user's own private ones.
    pub receipts: Vec<Receipt>,
    /// Who is typing, if that changed.
    pub typing: Option<Vec<OwnedUserId>>,
    /// What the user has not read.
    pub unread: Unread,
}

/// The newest events of a room after a point.
#[derive(Debug, Clone)]
pub struct RoomTimeline {
    /// The events, oldest first: visible to the user, and passing the filter.
    pub events: Vec<RoomEvent>,
    /// What is told along with them, where events were left out.
    pub aggregations: Aggregations,
    /// Whether there are events between the point and the first of them.
    pub limited: bool,
    /// The place before the first of them.
    pub prev_batch: TimelineKey,
    /// The room before the first of them.
    pub before: RoomView,
    /// What the client has to know before it applies the events: all state for a room that is new
    /// to it, else what changed between the point and the first event. Where none of the events tells
    /// of a change after that, its outcome.
    pub state: Vec<Arc<Pdu>>,
    /// The room after them.
    pub now: RoomView,
}

/// An invite, or a knock.
#[derive(Debug, Clone)]
pub struct InvitedChange {
    /// The room.
    pub room_id: OwnedRoomId,
    /// What an outsider may know of the room, the membership among it, as stripped state events.
    pub stripped: Vec<Object>,
}

/// A room that the user is no longer in.
#[derive(Debug, Clone)]
pub struct LeftChange {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The events up to the leave; `None` for a room that this server is not in.
    pub timeline: Option<RoomTimeline>,
    /// Where there is no timeline: the leave, if it was an event.
    pub event: Option<Object>,
    /// New account data of the room.
    pub account_data: Vec<AccountDatum>,
}

impl UserChanges {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
            && self.invited.is_empty()
            && self.knocked.is_empty()
            && self.left.is_empty()
            && self.account_data.is_empty()
            && self.presence.is_empty()
    }
}

impl Feed {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The point up to which everything can be read now.
    pub fn now(&self) -> SyncToken {
        // The serials first: a change between the two lines is then seen again, not missed.
        let typing = self.core.accounts.typing_serial();
        let presence = self.core.accounts.presence_serial();
        SyncToken {
            cut: self.core.rooms.store_cut(),
            typing,
            presence,
        }
    }

    /// Wakes whenever something was stored.
    pub fn subscribe(&self) -> watch::Receiver<Cut> {
        self.core.rooms.subscribe()
    }

    /// Wakes whenever somebody starts or stops typing.
    pub fn subscribe_typing(&self) -> watch::Receiver<u64> {
        self.core.accounts.subscribe_typing()
    }

    /// Waits until something happens that the user would be told, at most for `timeout`. Answers
    /// at once if that is so already, or if `since` is of another generation of the store. The
    /// answer is the end of the span to ask [`Feed::changes_for`] for.
    pub async fn wait(
        &self,
        session: &Session,
        since: &SyncToken,
        timeout: Duration,
    ) -> Result<SyncToken> {
        let deadline = Instant::now() + timeout;
        // Subscribed before the first look, so that nothing slips between look and wait.
        let mut stored = self.subscribe();
        let mut typing = self.subscribe_typing();
        let mut presence = self.core.accounts.subscribe_presence();
        let waiting = Waiting::new(&session.user_id);
        let mut looked_at = since.clone();
        loop {
            stored.borrow_and_update();
            typing.borrow_and_update();
            presence.borrow_and_update();
            let now = self.not_before(since);
            if self.concerns(&waiting, &looked_at, &now).await? {
                return Ok(now);
            }
            looked_at = now;
            let expiry = self.next_expiry(deadline);
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => return Ok(self.not_before(since)),
                () = tokio::time::sleep_until(expiry) => {}
                changed = stored.changed() => if changed.is_err() { return Ok(looked_at) },
                changed = presence.changed() => if changed.is_err() { return Ok(looked_at) },
                changed = typing.changed() => if changed.is_err() { return Ok(looked_at) },
            }
        }
    }

    /// The rooms whose log grew between two cuts.
    pub async fn changed_rooms(&self, since: &Cut, upto: &Cut) -> Result<Vec<OwnedRoomId>> {
        let changes = self.core.rooms.stream_changes(since, upto).await?;
        let mut rooms: Vec<_> = changes
            .into_iter()
            .filter_map(|change| match change.kind {
                StreamKind::Room { room, .. } => Some(room),
                StreamKind::Data { .. } => None,
            })
            .collect();
        rooms.sort_unstable();
        rooms.dedup();
        Ok(rooms)
    }

    /// The changes of a room for a reader who serves many users and asks [`Feed::may_see`] for
    /// each of them.
    pub async fn room_events(
        &self,
        room: &RoomId,
        since: &Cut,
        upto: &Cut,
        limit: usize,
    ) -> Result<RoomChanges> {
        Ok(self
            .core
            .rooms
            .changes(room, Some(since), upto, limit)
            .await?)
    }

    /// Whether the user may see the event.
    pub async fn may_see(&self, user: &UserId, room: &RoomId, event: &RoomEvent) -> Result<bool> {
        Ok(!self
            .core
            .rooms
            .visible(user, room, vec![event.clone()])
            .await?
            .is_empty())
    }

    /// When the next who types or is there ceases to by the clock, at most `deadline`: nobody else
    /// tells that.
    fn next_expiry(&self, deadline: Instant) -> Instant {
        let accounts = &self.core.accounts;
        let presence = accounts.expire_presence();
        let Some(next) = accounts.expire_typing().into_iter().chain(presence).min() else {
            return deadline;
        };
        let left = u64::try_from(next - self.core.clock.now_ms()).unwrap_or(0);
        // One millisecond more, so that it has expired when we look.
        deadline.min(Instant::now() + Duration::from_millis(left + 1))
    }

    /// Now, or `since` where that is ahead of us: a token never goes back.
    fn not_before(&self, since: &SyncToken) -> SyncToken {
        let now = self.now();
        if now.cut.generation() != since.cut.generation() {
            return now;
        }
        SyncToken {
            cut: now.cut.max(&since.cut),
            typing: now.typing.max(since.typing),
            presence: now.presence.max(since.presence),
        }
    }
}
