//! Finding what was said in the rooms of a user.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#server-side-search>.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind,
    id::{OwnedRoomId, OwnedUserId, RoomId},
};
use gantry_rooms::{RoomEvent, newest_edit};
use gantry_search::{After, Hit, Key, Order, Question, Search, Term, text_of};

use crate::{Act, Error, EventFilter, InvalidToken, Result, core::Core, sieve::Sieve};

/// The most results of a page, and how many there are if nothing is said.
const MAX_LIMIT: usize = 100;
const DEFAULT_LIMIT: usize = 10;
/// How many hits are looked at for one page; then it ends, also if it holds fewer than asked.
const MAX_LOOKED_AT: usize = 2_000;
/// Hits that are read at once.
const HITS: usize = 50;
/// The longest search term, in bytes.
const MAX_TERM: usize = 2_048;
/// How many children of a message are looked at for its newest edit.
const MAX_CHILDREN: usize = 1_000;
/// How far back the predecessors of an upgraded room are followed.
const MAX_PREDECESSORS: usize = 20;

/// What a user searches for.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// What the user typed.
    pub term: String,
    /// What of events is searched; `None`: everything.
    pub keys: Option<Vec<Key>>,
    /// Which events, and how many.
    pub filter: EventFilter,
    /// In which order.
    pub order: Order,
    /// What the results are grouped by.
    pub group_by: Vec<GroupBy>,
    /// What is shown around each result.
    pub surroundings: Option<Surroundings>,
    /// Whether the state of the rooms is wanted.
    pub include_state: bool,
    /// Where the page begins; `None`: at the best or newest.
    pub from: Option<SearchToken>,
}

/// What is shown around a result.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// So many events before it.
    pub before: usize,
    /// So many behind it.
    pub after: usize,
    /// Whether names and pictures of the senders at that time are wanted.
    pub profiles: bool,
}

/// What results are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupBy {
    /// The room.
    Room,
    /// Who sent it.
    Sender,
}

/// Where a page of results begins, perhaps of one group only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchToken {
    pub(crate) after: After,
    /// A room or a user.
    pub(crate) group: Option<String>,
}

/// Finding what was said.
#[derive(Clone)]
pub struct Searching {
    pub(crate) core: Arc<Core>,
}

/// An event that was found and may be shown.
pub(crate) struct Seen {
    pub(crate) event: RoomEvent,
    pub(crate) rank: f32,
    pub(crate) after: After,
    /// What it says now.
    pub(crate) text: String,
}

/// A page of them.
#[derive(Default)]
pub(crate) struct SeenPage {
    pub(crate) seen: Vec<Seen>,
    pub(crate) count: usize,
    /// Where the next page begins; `None`: there is nothing more.
    pub(crate) next: Option<After>,
}

/// What decides whether a hit is shown.
struct Hunt<'a> {
    session: &'a Session,
    filter: &'a EventFilter,
    term: Term,
    rooms: HashMap<u64, OwnedRoomId>,
    ignored: crate::ignored::Ignored,
}

impl Searching {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Whether this server has an index.
    pub fn is_enabled(&self) -> bool {
        self.core.search.is_some()
    }

    fn index(&self) -> Result<&Search> {
        let none = || Error::refused(ErrorKind::Unrecognized, "Search is disabled on this server");
        self.core.search.as_ref().ok_or_else(none)
    }

    /// The events that fit, as far as the user may see them.
    pub(crate) async fn find(
        &self,
        session: &Session,
        query: &SearchQuery,
    ) -> Result<(SeenPage, Term)> {
        let index = self.index()?;
        self.core.limits.check_user(Act::Search, session)?;
        if query.term.len() > MAX_TERM {
            return Err(Error::invalid("The search term is too long"));
        }
        let hunt = Hunt {
            session,
            filter: &query.filter,
            term: Term::parse(&query.term),
            rooms: self.rooms(session, query).await?,
            ignored: self.core.ignored(&session.user_id).await?,
        };
        let limit = query.filter.limit.unwrap_or(DEFAULT_LIMIT);
        let limit = limit.clamp(1, MAX_LIMIT);
        index.renew().await;
        let mut question = question(query, &hunt, limit);
        let mut page = SeenPage::default();
        let mut looked_at = 0;
        loop {
            let found = index.ask(question.clone()).await?;
            let is_last = found.hits.len() < question.limit;
            page.count = found.count;
            looked_at += found.hits.len();
            let Some(last) = found.hits.last().map(|hit| hit.after) else {
                break;
            };
            for seen in self.shown(&hunt, &found.hits).await? {
                if page.seen.len() == limit {
                    page.next = page.seen.last().map(|seen| seen.after);
                    return Ok((page, hunt.term));
                }
                page.seen.push(seen);
            }
            if is_last {
                break;
            }
            if looked_at >= MAX_LOOKED_AT {
                page.next = Some(last);
                break;
            }
            question.after = Some(last);
        }
        Ok((page, hunt.term))
    }

    /// The rooms that are searched, by their numbers: those that the user is or was in, and of the
    /// rooms that are asked for also those that they follow.
    async fn rooms(
        &self,
        session: &Session,
        query: &SearchQuery,
    ) -> Result<HashMap<u64, OwnedRoomId>> {
        let rows = self.core.rooms.memberships(&session.user_id).await?;
        let known: BTreeMap<OwnedRoomId, u64> = rows
            .into_iter()
            .filter(|row| !row.forgotten)
            .map(|row| (row.room_id.clone(), row.room_number()))
            .collect();
        let mut filter = query.filter.clone();
        if let Some(rooms) = &mut filter.rooms {
            let old = self.predecessors(rooms, &known).await?;
            rooms.extend(old);
        }
        let group = query.from.as_ref().and_then(|from| from.group.as_deref());
        let group = group.filter(|group| group.starts_with('!'));
        let is_wanted = |room: &RoomId| {
            filter.allows_room(room) && group.is_none_or(|group| group == room.as_str())
        };
        let wanted = known.into_iter().filter(|(room, _)| is_wanted(room));
        Ok(wanted.map(|(room, number)| (number, room)).collect())
    }

    /// The rooms that the user knows and that were upgraded to these.
    async fn predecessors(
        &self,
        rooms: &[OwnedRoomId],
        known: &BTreeMap<OwnedRoomId, u64>,
    ) -> Result<Vec<OwnedRoomId>> {
        let mut old = Vec::new();
        for room in rooms {
            let mut room = room.clone();
            for _ in 0..MAX_PREDECESSORS {
                let view = match known.get(&room) {
                    Some(_) => self.core.rooms.view(&room).await?,
                    None => None,
                };
                let create = view.and_then(|view| view.create());
                let before = create.as_ref().and_then(|create| {
                    let before = create.content().get("predecessor")?.as_object()?;
                    RoomId::parse(before.get("room_id")?.as_str()?).ok()
                });
                let Some(before) = before.filter(|before| !old.contains(before)) else {
                    break;
                };
                room.clone_from(&before);
                old.push(before);
            }
        }
        Ok(old)
    }

    /// Those of the hits that are shown, in their order.
    async fn shown(&self, hunt: &Hunt<'_>, hits: &[Hit]) -> Result<Vec<Seen>> {
        let mut by_room: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        for hit in hits {
            by_room.entry(hit.room).or_default().insert(hit.pos);
        }
        let mut found = HashMap::new();
        for (number, positions) in by_room {
            let Some(room) = hunt.rooms.get(&number) else {
                continue;
            };
            for (event, text) in self.shown_in(hunt, room, &positions).await? {
                found.insert((number, event.pos), (event, text));
            }
        }
        let seen = hits.iter().filter_map(|hit| {
            let (event, text) = found.remove(&(hit.room, hit.pos))?;
            Some(Seen {
                event,
                rank: hit.rank,
                after: hit.after,
                text,
            })
        });
        Ok(seen.collect())
    }

    async fn shown_in(
        &self,
        hunt: &Hunt<'_>,
        room: &RoomId,
        positions: &BTreeSet<u64>,
    ) -> Result<Vec<(RoomEvent, String)>> {
        let rooms = &self.core.rooms;
        // The index lags behind: the room may be gone, or encrypted by now.
        match rooms.view(room).await? {
            Some(view) if !view.is_encrypted() => {}
            _ => return Ok(Vec::new()),
        }
        let sieve = Sieve {
            row: None,
            user: &hunt.session.user_id,
            room,
            ignored: &hunt.ignored,
            filter: hunt.filter,
        };
        let events = rooms.events_at(room, positions).await?;
        let events = self.core.sifted(&sieve, events).await?;
        let ids: Vec<_> = events
            .iter()
            .map(|event| event.event_id().to_owned())
            .collect();
        let related = rooms.related(room, &ids, MAX_CHILDREN).await?;
        let mut shown = Vec::with_capacity(events.len());
        for (event, related) in events.into_iter().zip(related) {
            let edits = related.events.iter().filter(|one| {
                let relation = one.relation.as_ref();
                relation.is_some_and(|relation| relation.kind == "m.replace")
            });
            // What was redacted has no text.
            let text = text_of(&event, newest_edit(&event, edits)).map(str::to_owned);
            if let Some(text) = text.filter(|text| hunt.term.accepts(text)) {
                shown.push((event, text));
            }
        }
        Ok(shown)
    }
}

/// What is asked of the index.
fn question(query: &SearchQuery, hunt: &Hunt<'_>, limit: usize) -> Question {
    let filter = &query.filter;
    let keys = query.keys.clone().unwrap_or_else(|| Key::ALL.to_vec());
    let is_wanted = |key: &Key| filter.allows_kind(key.event_type());
    let from = query.from.as_ref();
    let sender = from
        .and_then(|from| OwnedUserId::try_from(from.group.as_deref()?).ok())
        .map(|sender| vec![sender]);
    Question {
        term: hunt.term.clone(),
        keys: keys.into_iter().filter(is_wanted).collect(),
        rooms: Arc::new(hunt.rooms.keys().copied().collect::<HashSet<_>>()),
        senders: sender.or_else(|| filter.senders.clone()),
        not_senders: filter.not_senders.clone(),
        has_url: filter.contains_url,
        order: query.order,
        after: from.map(|from| from.after),
        limit: HITS.max(limit + 1),
    }
}

impl fmt::Display for SearchToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.after)?;
        match &self.group {
            Some(group) => write!(formatter, "~{group}"),
            None => Ok(()),
        }
    }
}

impl FromStr for SearchToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (after, group) = match text.split_once('~') {
            Some((after, group)) if group.len() <= 255 && group.starts_with(['!', '@']) => {
                (after, Some(group.to_owned()))
            }
            Some(_) => return Err(InvalidToken),
            None => (text, None),
        };
        Ok(Self {
            after: after.parse().map_err(|_| InvalidToken)?,
            group,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_refused_or_is_its_own_token(text in "[0-9a-f]{1,3}.[0-9a-f]{1,3}.[0-9a-f]{1,3}.[0-9a-f]{1,3}(~[!@]\\PC{0,5})?") {
            if let Ok(token) = text.parse::<SearchToken>() {
                prop_assert_eq!(token.to_string(), text);
            }
        }
    }
}
