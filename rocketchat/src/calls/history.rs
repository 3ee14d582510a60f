//! What was said in a room.

use gantry_homeserver::{Direction, EventFilter, Messages, MessagesQuery, PageToken, Session};

use super::ShownRoom;
use crate::dto::message::Message;
use crate::error::Result;
use crate::state::RocketchatState;

/// Events of one page of the timeline.
const PAGE: usize = 100;

/// Pages that one call goes through.
const MAX_PAGES: usize = 20;

/// Which messages are wanted, newest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryQuery {
    /// Only those before this time, in milliseconds since the Unix epoch.
    pub(crate) latest: Option<i64>,
    /// Only those after this time.
    pub(crate) oldest: Option<i64>,
    /// Those at these times too.
    pub(crate) inclusive: bool,
    /// How many to pass over.
    pub(crate) offset: usize,
    /// How many.
    pub(crate) count: usize,
    /// Those in threads too.
    pub(crate) threads: bool,
    /// Go no further than needed; else as far as to know how many there are.
    pub(crate) stop_when_full: bool,
}

/// Some messages, and how many there are that fit.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) messages: Vec<Message>,
    pub(crate) total: usize,
}

impl HistoryQuery {
    fn fits(&self, message: &Message) -> bool {
        let ts = message.ts.0;
        let before = self
            .latest
            .is_none_or(|end| ts < end || (self.inclusive && ts == end));
        let after = self
            .oldest
            .is_none_or(|start| ts > start || (self.inclusive && ts == start));
        let shown = self.threads || message.tmid.is_none() || message.tshow;
        before && after && shown
    }
}

impl RocketchatState {
    /// Messages of a room that the user may see, newest first.
    pub(crate) async fn history(
        &self,
        session: &Session,
        room: &ShownRoom,
        query: HistoryQuery,
    ) -> Result<History> {
        let mut history = History::default();
        let mut from = None;
        for _ in 0..MAX_PAGES {
            let page = self.page_back(session, room, from, PAGE).await?;
            for event in &page.chunk {
                let Some(message) = self.message(room, event).await? else {
                    continue;
                };
                if !query.fits(&message) {
                    continue;
                }
                history.total += 1;
                if history.total > query.offset && history.messages.len() < query.count {
                    history.messages.push(message);
                }
                if query.stop_when_full && history.messages.len() >= query.count {
                    return Ok(history);
                }
            }
            let is_past = page.chunk.last().is_some_and(|last| {
                query
                    .oldest
                    .is_some_and(|oldest| last.pdu.origin_server_ts() < oldest)
            });
            match page.end {
                Some(end) if !is_past => from = Some(end),
                _ => break,
            }
        }
        Ok(history)
    }

    pub(crate) async fn page_back(
        &self,
        session: &Session,
        room: &ShownRoom,
        from: Option<PageToken>,
        limit: usize,
    ) -> Result<Messages> {
        let query = MessagesQuery {
            from,
            to: None,
            direction: Direction::Backward,
            limit,
            filter: EventFilter::default(),
        };
        Ok(self
            .homeserver()
            .reading
            .messages(session, room.view.room_id(), query)
            .await?)
    }
}
