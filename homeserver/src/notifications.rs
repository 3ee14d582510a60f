//! The events that notified a user, in all rooms, newest first. Nothing is written when an event
//! notifies: the list is made from the rooms when somebody asks for it.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications>.

use std::{
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

use gantry_accounts::Session;
use gantry_model::id::{EventId, OwnedRoomId, RoomId};
use gantry_rooms::{Direction, Membership, Position, RoomEvent, RoomView, TimelineKey};
use ruma::push::Action;

use crate::{
    Act, Error, Result, UserData,
    core::Core,
    notify::{Notified, Verdict},
    receipts::thread_of,
};

/// Notifications of a page if the client does not say.
const DEFAULT_LIMIT: usize = 20;
/// The most notifications of a page.
const MAX_LIMIT: usize = 100;
/// How many events are looked at for one page.
const MAX_LOOKED_AT: usize = 5_000;
/// How many events of a room are read at once.
const PAGE: usize = 50;

/// Which page is wanted.
#[derive(Debug, Clone, Default)]
pub struct NotificationsQuery {
    /// The `next_token` of the page before.
    pub from: Option<String>,
    /// The most notifications.
    pub limit: Option<usize>,
    /// Only those that highlight.
    pub only_highlights: bool,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct NotificationPage {
    /// Newest first.
    pub notifications: Vec<NotificationEntry>,
    /// Where the next page begins; `None`: there is nothing more.
    pub next_token: Option<String>,
}

/// An event that notified.
#[derive(Debug, Clone)]
pub struct NotificationEntry {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event.
    pub event: RoomEvent,
    /// What the rules say to do.
    pub actions: Arc<[Action]>,
    /// Whether the user has read it.
    pub read: bool,
}

/// A room on the way back through its timeline.
struct Walk {
    view: RoomView,
    /// Read and not yet looked at, newest first.
    ahead: VecDeque<RoomEvent>,
    /// Where the next page begins.
    from: Option<TimelineKey>,
}

impl UserData {
    /// A page of the events that notified the user.
    pub async fn notifications(
        &self,
        session: &Session,
        query: &NotificationsQuery,
    ) -> Result<NotificationPage> {
        self.core.limits.check_user(Act::Search, session)?;
        let before = query.from.as_deref().map(parse).transpose()?;
        let limit = query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
        let notified = self.core.notified(&session.user_id).await?;
        let mut walks = self.core.walks(session, before).await?;
        let mut heap: BinaryHeap<(Position, usize)> = BinaryHeap::new();
        for (index, walk) in walks.iter_mut().enumerate() {
            heap.extend(
                self.core
                    .head(walk, before)
                    .await?
                    .map(|head| (head, index)),
            );
        }
        let mut page = NotificationPage::default();
        let mut looked_at = 0;
        while let Some((position, index)) = heap.pop() {
            if page.notifications.len() == limit || looked_at == MAX_LOOKED_AT {
                page.next_token = Some(token(position));
                break;
            }
            looked_at += 1;
            let walk = &mut walks[index];
            let Some(event) = walk.ahead.pop_front() else {
                continue;
            };
            if let Some(verdict) = self.core.news(&notified, &walk.view, &event).await?
                && (verdict.highlight || !query.only_highlights)
            {
                let entry = self.core.entry(&notified, &walk.view, event, verdict);
                page.notifications.push(entry.await?);
            }
            heap.extend(
                self.core
                    .head(walk, before)
                    .await?
                    .map(|head| (head, index)),
            );
        }
        Ok(page)
    }
}

impl Core {
    async fn walks(&self, session: &Session, before: Option<Position>) -> Result<Vec<Walk>> {
        let mut walks = Vec::new();
        for row in self.rooms.memberships(&session.user_id).await? {
            if row.membership != Membership::Join {
                continue;
            }
            let Some(view) = self.rooms.view(&row.room_id).await? else {
                continue;
            };
            let from = match before {
                Some(before) => self.rooms.end_before(&view, before).await?,
                None => view.end(),
            };
            walks.push(Walk {
                view,
                ahead: VecDeque::new(),
                from: Some(from),
            });
        }
        Ok(walks)
    }

    /// The position of the next event of a room; reads a page if none is at hand.
    async fn head(&self, walk: &mut Walk, before: Option<Position>) -> Result<Option<Position>> {
        while walk.ahead.is_empty()
            && let Some(from) = walk.from
        {
            let room = walk.view.room_id();
            let page = self
                .rooms
                .timeline(room, Some(from), None, Direction::Backward, PAGE)
                .await?;
            walk.from = page.next;
            let events = page.events.into_iter();
            walk.ahead = events
                .filter(|event| event.key.is_some_and(|key| key.is_live()))
                .filter(|event| before.is_none_or(|before| event.position <= before))
                .collect();
        }
        Ok(walk.ahead.front().map(|event| event.position))
    }

    async fn news(
        &self,
        notified: &Notified,
        view: &RoomView,
        event: &RoomEvent,
    ) -> Result<Option<Verdict>> {
        let then = self.rooms.view_after(view, event).await?;
        let Some(verdict) = notified.verdict(&then, event).await else {
            return Ok(None);
        };
        let events = vec![event.clone()];
        let seen = self.visible(&notified.user, view.room_id(), events).await?;
        Ok((!seen.is_empty()).then_some(verdict))
    }

    async fn entry(
        &self,
        notified: &Notified,
        view: &RoomView,
        event: RoomEvent,
        verdict: Verdict,
    ) -> Result<NotificationEntry> {
        let room = view.room_id();
        let thread = thread_of(event.relation.as_ref()).and_then(|root| EventId::parse(root).ok());
        let thread = thread.as_deref().map(EventId::as_str);
        let read = self.is_read(notified, room, thread, &event).await?;
        Ok(NotificationEntry {
            room_id: room.to_owned(),
            event,
            actions: verdict.actions,
            read,
        })
    }

    async fn is_read(
        &self,
        notified: &Notified,
        room: &RoomId,
        thread: Option<&str>,
        event: &RoomEvent,
    ) -> Result<bool> {
        let Some(key) = event.key else {
            return Ok(true);
        };
        let places = [None, Some(thread.unwrap_or("main"))];
        let read = self.read_up_to(&notified.user, room, &places).await?;
        Ok(read
            .iter()
            .any(|read| read.as_slice() >= key.as_bytes().as_slice()))
    }
}

/// Our tokens: writer and number of the newest event of the next page.
fn token(position: Position) -> String {
    format!("n{}.{}", position.w, position.s)
}

fn parse(token: &str) -> Result<Position> {
    let parts = token
        .strip_prefix('n')
        .and_then(|rest| rest.split_once('.'));
    parts
        .and_then(|(w, s)| {
            Some(Position {
                w: w.parse().ok()?,
                s: s.parse().ok()?,
            })
        })
        .ok_or_else(|| Error::invalid("Not a token"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_come_back(w: u16, s: u64) {
            let position = Position { w, s };

            prop_assert_eq!(parse(&token(position)).expect("a token"), position);
        }

        #[test]
        fn any_text_is_a_token_or_refused(text in "n?[0-9.+]{0,24}") {
            if let Ok(position) = parse(&text) {
                prop_assert_eq!(parse(&token(position)).expect("a token"), position);
            }
        }
    }
}
