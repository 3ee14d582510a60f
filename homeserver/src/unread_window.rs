//! The events of a room that notify a user, kept in memory while the room grows: counting what is
//! unread then costs what is new, not what is there.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use gantry_model::id::{OwnedRoomId, OwnedUserId, UserId};
use gantry_rooms::{Direction, Position, RoomEvent, RoomView, TimelineKey};
use parking_lot::Mutex;

use crate::{
    Result, core::Core, ignored::Ignored, notify::Followed, notify::Notified, receipts::thread_of,
};

/// How many events are looked at for a new window; what is older is counted by the room's counters.
const MAX_LOOKED_AT: usize = 2_000;
/// How many notifying events a window holds.
const MAX_HELD: usize = 2_000;
/// Windows are read in pages of these sizes, the last of them again and again.
const PAGES: [usize; 3] = [20, 80, 300];
/// How many windows are kept.
const MAX_KEPT: usize = 20_000;

/// An event that notifies.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    pub(crate) key: TimelineKey,
    /// The root of its thread.
    pub(crate) thread: Option<Arc<str>>,
    pub(crate) highlight: bool,
}

/// What notifies one user in one room, since what was read when the window was opened.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// The point before the first event that has not been looked at.
    upto: TimelineKey,
    /// What the window depends on.
    rules: Option<Position>,
    ignored: Ignored,
    followed: Arc<Followed>,
    redactions: i64,
    /// Oldest first.
    events: VecDeque<Notification>,
    /// Notifying events before those, and up to where they are.
    older: u64,
    older_upto: Vec<u8>,
}

/// The windows in memory: two generations, of which the older is dropped when the younger is full.
#[derive(Default)]
pub(crate) struct Windows(Mutex<Generations>);

type Key = (OwnedUserId, OwnedRoomId);

#[derive(Default)]
struct Generations {
    young: HashMap<Key, Arc<Window>>,
    old: HashMap<Key, Arc<Window>>,
}

impl Windows {
    fn find(&self, key: &Key) -> Option<Arc<Window>> {
        let kept = self.0.lock();
        kept.young.get(key).or_else(|| kept.old.get(key)).cloned()
    }

    fn keep(&self, key: Key, window: Arc<Window>) {
        let mut kept = self.0.lock();
        if kept.young.len() >= MAX_KEPT / 2 {
            kept.old = std::mem::take(&mut kept.young);
        }
        kept.young.insert(key, window);
    }
}

impl Window {
    fn new(notified: &Notified, view: &RoomView) -> Self {
        Self {
            upto: view.end(),
            rules: notified.rules.position,
            ignored: notified.ignored.clone(),
            followed: Arc::clone(&notified.followed),
            redactions: view.counts().red,
            events: VecDeque::new(),
            older: 0,
            older_upto: Vec::new(),
        }
    }

    /// The events, oldest first.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Notification> {
        self.events.iter()
    }

    /// How many notify before the events of the window, unless all of that has been read.
    pub(crate) fn older(&self, read: &[u8]) -> u64 {
        if read < self.older_upto.as_slice() {
            self.older
        } else {
            0
        }
    }

    /// Whether what it says still holds, as far as it goes.
    fn holds(&self, notified: &Notified, view: &RoomView) -> bool {
        self.rules == notified.rules.position
            && self.ignored == notified.ignored
            && self.followed == notified.followed
            && self.redactions == view.counts().red
    }

    async fn add(&mut self, notified: &Notified, view: &RoomView, event: &RoomEvent) {
        if is_join_of(event, &notified.user) {
            // What was said before is not the user's to read.
            self.events.clear();
            self.older = 0;
        }
        let (Some(key), Some(verdict)) = (event.key, notified.verdict(view, event).await) else {
            return;
        };
        self.events.push_back(Notification {
            key,
            thread: thread_of(event.relation.as_ref()).map(Arc::from),
            highlight: verdict.highlight,
        });
        if self.events.len() > MAX_HELD
            && let Some(oldest) = self.events.pop_front()
        {
            self.older += 1;
            self.older_upto = oldest.key.as_bytes().to_vec();
        }
    }
}

impl Core {
    /// What notifies the user in a room since `read`, the key of the receipt for the whole room.
    pub(crate) async fn unread_window(
        &self,
        notified: &Notified,
        view: &RoomView,
        read: &[u8],
    ) -> Result<Arc<Window>> {
        let key = (notified.user.clone(), view.room_id().to_owned());
        let kept = self.windows.find(&key);
        let kept = kept.filter(|window| window.holds(notified, view));
        let window = match kept {
            Some(window) if window.upto >= view.end() => return Ok(window),
            Some(window) => Arc::new(self.grown(Window::clone(&window), notified, view).await?),
            None => Arc::new(self.opened(notified, view, read).await?),
        };
        self.windows.keep(key, window.clone());
        Ok(window)
    }

    /// The window with what came since.
    async fn grown(
        &self,
        mut window: Window,
        notified: &Notified,
        view: &RoomView,
    ) -> Result<Window> {
        let (room, end) = (view.room_id(), view.end());
        while window.upto < end {
            let rooms = &self.rooms;
            let page = rooms
                .timeline(
                    room,
                    Some(window.upto),
                    Some(end),
                    Direction::Forward,
                    PAGES[2],
                )
                .await?;
            for event in page.events.iter().filter(|event| is_live(event)) {
                let then = rooms.view_after(view, event).await?;
                window.add(notified, &then, event).await;
            }
            window.upto = page.next.unwrap_or(end);
        }
        Ok(window)
    }

    /// A new window, from the newest event back to what has been read, or to where the user came.
    /// Most have read nearly everything, so pages start small.
    async fn opened(&self, notified: &Notified, view: &RoomView, read: &[u8]) -> Result<Window> {
        let mut window = Window::new(notified, view);
        let (mut found, mut from, mut looked_at) = (Vec::new(), Some(view.end()), 0);
        let mut pages = PAGES.into_iter();
        let mut is_complete = false;
        while !is_complete && from.is_some() && looked_at < MAX_LOOKED_AT {
            let limit = pages.next().unwrap_or(PAGES[2]);
            let rooms = &self.rooms;
            let page = rooms
                .timeline(view.room_id(), from, None, Direction::Backward, limit)
                .await?;
            looked_at += page.events.len();
            from = page.next;
            for event in page.events {
                let is_read = event
                    .key
                    .is_none_or(|key| read >= key.as_bytes().as_slice());
                is_complete = is_read || is_join_of(&event, &notified.user);
                if is_complete {
                    break;
                }
                found.push(event);
            }
        }
        found.reverse();
        if !is_complete
            && from.is_some()
            && let Some(oldest) = found.first().and_then(|event| event.key)
        {
            window.older = self.counted_before(view, oldest, read).await?;
            window.older_upto = oldest.as_bytes().to_vec();
        }
        for event in found.iter().filter(|event| is_live(event)) {
            let then = self.rooms.view_after(view, event).await?;
            window.add(notified, &then, event).await;
        }
        Ok(window)
    }

    /// How many messages stand between what has been read and an event, by the room's counters:
    /// they know the default rules only.
    async fn counted_before(
        &self,
        view: &RoomView,
        event: TimelineKey,
        read: &[u8],
    ) -> Result<u64> {
        let (rooms, room) = (&self.rooms, view.room_id());
        let sum = |view: &RoomView| view.counts().main + view.counts().thread;
        let high = sum(&rooms.view_at_key(room, event).await?);
        let low = match TimelineKey::from_bytes(read) {
            Some(read) => sum(&rooms.view_at_key(room, read).await?) + 1,
            None => 0,
        };
        Ok(u64::try_from(high - low).unwrap_or(0))
    }
}

/// Old history that was fetched later is no news.
fn is_live(event: &RoomEvent) -> bool {
    event.key.is_some_and(|key| key.is_live())
}

/// Whether the user came into the room by this event.
fn is_join_of(event: &RoomEvent, user: &UserId) -> bool {
    let was_joined = event
        .replaces
        .as_ref()
        .is_some_and(|before| before.content_str("membership") == Some("join"));
    event.pdu.is_state("m.room.member", user.as_str())
        && event.pdu.content_str("membership") == Some("join")
        && !was_joined
}
