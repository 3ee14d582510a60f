//! `POST /_matrix/client/v3/search`:
//! <https://spec.matrix.org/v1.19/client-server-api/#server-side-search>.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use gantry_homeserver::{
    Aggregations, EventFilter, GroupBy, SearchAnswer, SearchContext, SearchKey, SearchOrder,
    SearchQuery, SearchResult, Surroundings,
};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::{Error, Result},
    extract::{JsonBody, QueryArgs},
};

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    next_batch: Option<String>,
}

/// What is searched for.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    search_categories: Categories,
}

#[derive(Debug, Deserialize)]
struct Categories {
    room_events: Option<Criteria>,
}

#[derive(Debug, Deserialize)]
struct Criteria {
    search_term: String,
    keys: Option<Vec<Key>>,
    #[serde(default)]
    filter: EventFilter,
    #[serde(default)]
    order_by: OrderBy,
    event_context: Option<EventContext>,
    #[serde(default)]
    include_state: bool,
    #[serde(default)]
    groupings: Groupings,
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Key {
    #[serde(rename = "content.body")]
    Body,
    #[serde(rename = "content.name")]
    Name,
    #[serde(rename = "content.topic")]
    Topic,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderBy {
    #[default]
    Rank,
    Recent,
}

#[derive(Debug, Deserialize)]
struct EventContext {
    #[serde(default = "default_around")]
    before_limit: usize,
    #[serde(default = "default_around")]
    after_limit: usize,
    #[serde(default)]
    include_profile: bool,
}

fn default_around() -> usize {
    5
}

#[derive(Debug, Default, Deserialize)]
struct Groupings {
    #[serde(default)]
    group_by: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    key: GroupKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum GroupKey {
    RoomId,
    Sender,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    search_categories: FoundCategories,
}

#[derive(Debug, Serialize)]
struct FoundCategories {
    #[serde(skip_serializing_if = "Option::is_none")]
    room_events: Option<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    count: usize,
    highlights: Vec<String>,
    results: Vec<FoundEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<BTreeMap<OwnedRoomId, Vec<ClientEvent>>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    groups: BTreeMap<GroupKey, BTreeMap<String, FoundGroup>>,
}

#[derive(Debug, Serialize)]
struct FoundEvent {
    rank: f32,
    result: ClientEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Around>,
}

#[derive(Debug, Serialize)]
struct Around {
    start: String,
    end: String,
    events_before: Vec<ClientEvent>,
    events_after: Vec<ClientEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile_info: Option<BTreeMap<String, Profile>>,
}

#[derive(Debug, Serialize)]
struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    displayname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

#[derive(Debug, Serialize)]
struct FoundGroup {
    order: usize,
    results: Vec<OwnedEventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

/// Searches what was said in the user's rooms.
pub(crate) async fn search(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let room_events = match body.search_categories.room_events {
        Some(criteria) => {
            let query = criteria.into_query(query.next_batch.as_deref())?;
            let searching = &state.homeserver().searching;
            let answer = searching.search(&session, &query).await?;
            let viewer = Viewer::new(&session, state.now_ms());
            Some(Found::new(viewer, answer))
        }
        None => None,
    };
    Ok(Json(Response {
        search_categories: FoundCategories { room_events },
    }))
}

impl Criteria {
    fn into_query(self, next_batch: Option<&str>) -> Result<SearchQuery> {
        let from = next_batch.map(str::parse).transpose();
        if self.filter.limit == Some(0) {
            return Err(Error::invalid("limit must be greater than 0"));
        }
        Ok(SearchQuery {
            term: self.search_term,
            keys: self
                .keys
                .map(|keys| keys.into_iter().map(SearchKey::from).collect()),
            filter: self.filter,
            order: match self.order_by {
                OrderBy::Rank => SearchOrder::Rank,
                OrderBy::Recent => SearchOrder::Recent,
            },
            group_by: self
                .groupings
                .group_by
                .into_iter()
                .map(|group| group.key.into())
                .collect(),
            surroundings: self.event_context.map(|context| Surroundings {
                before: context.before_limit,
                after: context.after_limit,
                profiles: context.include_profile,
            }),
            include_state: self.include_state,
            from: from.map_err(|_| Error::invalid("Not a token of this server"))?,
        })
    }
}

impl Found {
    fn new(viewer: Viewer<'_>, answer: SearchAnswer) -> Self {
        let ids: Vec<OwnedEventId> = answer
            .results
            .iter()
            .map(|result| result.event.event_id().to_owned())
            .collect();
        let group = |(by, groups): (GroupBy, BTreeMap<String, _>)| {
            let groups = groups.into_iter().map(|(name, group)| {
                let gantry_homeserver::SearchGroup {
                    order,
                    results,
                    next_batch,
                } = group;
                let group = FoundGroup {
                    order,
                    results: results
                        .into_iter()
                        .map(|index| ids[index].clone())
                        .collect(),
                    next_batch: next_batch.map(|token| token.to_string()),
                };
                (name, group)
            });
            (by.into(), groups.collect())
        };
        let known = &answer.aggregations;
        Self {
            count: answer.count,
            highlights: answer.highlights,
            results: answer
                .results
                .iter()
                .map(|result| FoundEvent::new(viewer, result, known))
                .collect(),
            next_batch: answer.next_batch.map(|token| token.to_string()),
            state: answer.state.map(|states| {
                let states = states.into_iter();
                states
                    .map(|(room, state)| (room, viewer.pdus(&state)))
                    .collect()
            }),
            groups: answer.groups.into_iter().map(group).collect(),
        }
    }
}

impl FoundEvent {
    fn new(viewer: Viewer<'_>, result: &SearchResult, known: &Aggregations) -> Self {
        Self {
            rank: result.rank,
            result: viewer.bundled(&result.event, known),
            context: result
                .context
                .as_ref()
                .map(|context| Around::new(viewer, context, known)),
        }
    }
}

impl Around {
    fn new(viewer: Viewer<'_>, context: &SearchContext, known: &Aggregations) -> Self {
        let profiles = context.profiles.as_ref().map(|members| {
            let profile = |member: &std::sync::Arc<gantry_model::Pdu>| {
                let text = |key| member.content_str(key).map(str::to_owned);
                let profile = Profile {
                    displayname: text("displayname"),
                    avatar_url: text("avatar_url"),
                };
                Some((member.state_key()?.to_owned(), profile))
            };
            members.iter().filter_map(profile).collect()
        });
        Self {
            start: context.start.to_string(),
            end: context.end.to_string(),
            events_before: viewer.all_bundled(&context.before, known),
            events_after: viewer.all_bundled(&context.after, known),
            profile_info: profiles,
        }
    }
}

impl From<Key> for SearchKey {
    fn from(key: Key) -> Self {
        match key {
            Key::Body => Self::Body,
            Key::Name => Self::Name,
            Key::Topic => Self::Topic,
        }
    }
}

impl From<GroupKey> for GroupBy {
    fn from(key: GroupKey) -> Self {
        match key {
            GroupKey::RoomId => Self::Room,
            GroupKey::Sender => Self::Sender,
        }
    }
}

impl From<GroupBy> for GroupKey {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Room => Self::RoomId,
            GroupBy::Sender => Self::Sender,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_body_is_a_query_or_refused(
            field in "(keys|filter|order_by|event_context|groupings|include_state|x)",
            value in r#"(null|true|-1|"recent"|\[\]|\["content.body"\]|\{"limit":(0|5)\}|\{"group_by":\[\{"key":"sender"\}\]\}|\{"before_limit":(-1|9)\})"#,
            token in "[0-9a-f.~!]{0,9}",
        ) {
            let text = format!(r#"{{"search_term":"x","{field}":{value}}}"#);
            if let Ok(criteria) = serde_json::from_str::<Criteria>(&text)
                && let Ok(query) = criteria.into_query(Some(&token))
            {
                prop_assert_eq!(query.from.expect("a token").to_string(), token);
            }
        }
    }
}
