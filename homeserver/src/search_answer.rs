//! What a search answers: results with what stands around them, groups, states.

use std::{collections::BTreeMap, sync::Arc};

use gantry_accounts::Session;
use gantry_model::{Pdu, id::OwnedRoomId};
use gantry_rooms::RoomEvent;

use crate::{
    Aggregations, EventFilter, GroupBy, PageToken, Reading, Result, SearchQuery, SearchToken,
    Searching, Surroundings,
    core::Core,
    searching::{Seen, SeenPage},
    sieve::Sieve,
};

/// The most events that are shown on one side of a result.
const MAX_AROUND: usize = 50;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct SearchAnswer {
    /// How many events fit, about.
    pub count: usize,
    /// The words to be highlighted, small.
    pub highlights: Vec<String>,
    /// The results in the order that was asked for.
    pub results: Vec<SearchResult>,
    /// What is told along with their events.
    pub aggregations: Aggregations,
    /// Where the next page begins.
    pub next_batch: Option<SearchToken>,
    /// The groups that were asked for, by room or user.
    pub groups: BTreeMap<GroupBy, BTreeMap<String, SearchGroup>>,
    /// The state of the rooms, if it was asked for.
    pub state: Option<BTreeMap<OwnedRoomId, Vec<Arc<Pdu>>>>,
}

/// An event that was found.
#[derive(Debug, Clone)]
pub struct SearchResult {
    /// The event.
    pub event: RoomEvent,
    /// How well it fits; more is better.
    pub rank: f32,
    /// What stands around it, if that was asked for.
    pub context: Option<SearchContext>,
}

/// What stands around a result.
#[derive(Debug, Clone)]
pub struct SearchContext {
    /// The point before all of it.
    pub start: PageToken,
    /// The point after all of it.
    pub end: PageToken,
    /// The events before it, the nearest first.
    pub before: Vec<RoomEvent>,
    /// The events after it, the nearest first.
    pub after: Vec<RoomEvent>,
    /// The member events of the senders as they were then, if they were asked for.
    pub profiles: Option<Vec<Arc<Pdu>>>,
}

/// Results that have something in common.
#[derive(Debug, Clone, Default)]
pub struct SearchGroup {
    /// Where it stands among the groups, from 1 on.
    pub order: usize,
    /// The results' places in the list.
    pub results: Vec<usize>,
    /// Where the group's next page begins.
    pub next_batch: Option<SearchToken>,
}

impl Searching {
    /// Searches in all rooms that the user is or was in.
    pub async fn search(&self, session: &Session, query: &SearchQuery) -> Result<SearchAnswer> {
        let (page, term) = self.find(session, query).await?;
        let mut answer = SearchAnswer {
            count: page.count,
            highlights: term.highlights(page.seen.iter().map(|seen| seen.text.as_str())),
            groups: groups(&query.group_by, &page),
            next_batch: page.next.map(|after| SearchToken {
                after,
                group: query.from.as_ref().and_then(|from| from.group.clone()),
            }),
            ..SearchAnswer::default()
        };
        if query.include_state {
            answer.state = Some(self.core.states_of(session, &page.seen).await?);
        }
        for seen in page.seen {
            let context = match query.surroundings {
                Some(wish) => Some(self.context(session, &seen.event, wish).await?),
                None => None,
            };
            answer.results.push(SearchResult {
                event: seen.event,
                rank: seen.rank,
                context,
            });
        }
        answer.aggregations = self.told_along(session, &answer.results).await?;
        Ok(answer)
    }

    async fn context(
        &self,
        session: &Session,
        event: &RoomEvent,
        wish: Surroundings,
    ) -> Result<SearchContext> {
        let room = event.pdu.room_id();
        let ignored = self.core.ignored(&session.user_id).await?;
        let sieve = Sieve {
            row: None,
            user: &session.user_id,
            room,
            ignored: &ignored,
            filter: &EventFilter::default(),
        };
        let sides = [wish.before, wish.after].map(|side| side.min(MAX_AROUND));
        let around = Reading::new(self.core.clone())
            .around(sieve, event, sides[0], sides[1])
            .await?;
        let profiles = if wish.profiles {
            let last = around.after.last().unwrap_or(event);
            let view = match last.key {
                Some(key) => self.core.rooms.view_at_key(room, key.next()).await?,
                None => self.core.rooms.get(room).await?,
            };
            let all = around.before.iter().chain(&around.after).chain([event]);
            let senders = all.map(|event| event.pdu.sender());
            Some(crate::lazy_members(&view, senders))
        } else {
            None
        };
        Ok(SearchContext {
            start: around.start,
            end: around.end,
            before: around.before,
            after: around.after,
            profiles,
        })
    }

    /// What is told along with the results and with what stands around them.
    async fn told_along(
        &self,
        session: &Session,
        results: &[SearchResult],
    ) -> Result<Aggregations> {
        let mut by_room: BTreeMap<OwnedRoomId, Vec<RoomEvent>> = BTreeMap::new();
        for result in results {
            let events = by_room
                .entry(result.event.pdu.room_id().to_owned())
                .or_default();
            events.push(result.event.clone());
            if let Some(context) = &result.context {
                events.extend(context.before.iter().chain(&context.after).cloned());
            }
        }
        let reading = Reading::new(self.core.clone());
        let mut all = Aggregations::default();
        for (room, events) in by_room {
            all.extend(reading.aggregations(session, &room, &events).await?);
        }
        Ok(all)
    }
}

impl Core {
    async fn states_of(
        &self,
        session: &Session,
        seen: &[Seen],
    ) -> Result<BTreeMap<OwnedRoomId, Vec<Arc<Pdu>>>> {
        let mut states = BTreeMap::new();
        for room in seen.iter().map(|seen| seen.event.pdu.room_id()) {
            if !states.contains_key(room) {
                let view = self.readable_view(&session.user_id, room).await?;
                states.insert(room.to_owned(), view.full_state());
            }
        }
        Ok(states)
    }
}

/// The groups of a page, in the order in which their best results stand.
fn groups(
    group_by: &[GroupBy],
    page: &SeenPage,
) -> BTreeMap<GroupBy, BTreeMap<String, SearchGroup>> {
    let mut all: BTreeMap<GroupBy, BTreeMap<String, SearchGroup>> = BTreeMap::new();
    for by in group_by {
        let groups = all.entry(*by).or_default();
        for (index, seen) in page.seen.iter().enumerate() {
            let name = match by {
                GroupBy::Room => seen.event.pdu.room_id().to_string(),
                GroupBy::Sender => seen.event.pdu.sender().to_string(),
            };
            let next_order = groups.len() + 1;
            let group = groups.entry(name.clone()).or_insert_with(|| SearchGroup {
                order: next_order,
                ..SearchGroup::default()
            });
            if group.results.last() != Some(&index) {
                group.results.push(index);
            }
            group.next_batch = page.next.map(|_| SearchToken {
                after: seen.after,
                group: Some(name),
            });
        }
    }
    all
}
