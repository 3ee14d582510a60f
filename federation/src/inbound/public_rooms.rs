//! Our published rooms, for other servers.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#public-room-directory>.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Query, State},
};
use gantry_model::{Object, Value};
use gantry_rooms::RoomView;

use super::Answer;
use crate::{
    Federation, Result,
    auth::ServerOrigin,
    wire::{object, text},
};

/// The most rooms of an answer.
const MAX_ROOMS: usize = 500;
/// The most types that a question may name.
const MAX_TYPES: usize = 50;

/// What is asked for.
struct Wanted {
    limit: usize,
    /// How many rooms are skipped.
    since: usize,
    /// In lower case.
    search: Option<String>,
    types: Option<Vec<Option<String>>>,
}

/// `GET /_matrix/federation/v1/publicRooms`
pub(super) async fn get_public_rooms(
    State(federation): State<Federation>,
    Query(parameters): Query<HashMap<String, String>>,
    _: ServerOrigin,
) -> Answer {
    let number = |key: &str| parameters.get(key).and_then(|text| text.parse().ok());
    let wanted = Wanted {
        limit: number("limit").unwrap_or(MAX_ROOMS).clamp(1, MAX_ROOMS),
        since: number("since").unwrap_or(0),
        search: None,
        types: None,
    };
    list(&federation, &wanted).await
}

/// `POST /_matrix/federation/v1/publicRooms`
pub(super) async fn query_public_rooms(
    State(federation): State<Federation>,
    ServerOrigin { body, .. }: ServerOrigin,
) -> Answer {
    list(&federation, &Wanted::of(&body)).await
}

impl Wanted {
    fn of(body: &Object) -> Self {
        let filter = body.get("filter").and_then(Value::as_object);
        let limit = body.get("limit").and_then(Value::as_int);
        let limit = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(MAX_ROOMS);
        let types = filter
            .and_then(|filter| filter.get("room_types"))
            .and_then(Value::as_array);
        Self {
            limit: limit.clamp(1, MAX_ROOMS),
            since: text(body, "since")
                .and_then(|since| since.parse().ok())
                .unwrap_or(0),
            search: filter
                .and_then(|filter| text(filter, "generic_search_term"))
                .filter(|term| !term.is_empty())
                .map(str::to_lowercase),
            types: types.map(|types| {
                types
                    .iter()
                    .take(MAX_TYPES)
                    .map(|one| one.as_str().map(str::to_owned))
                    .collect()
            }),
        }
    }

    fn fits(&self, view: &RoomView) -> bool {
        let has_type = self
            .types
            .as_ref()
            .is_none_or(|types| types.contains(&view.room_type()));
        let Some(search) = &self.search else {
            return has_type;
        };
        let texts = [view.name(), view.topic(), view.canonical_alias()];
        has_type
            && texts
                .iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(search))
    }
}

async fn list(federation: &Federation, wanted: &Wanted) -> Result<Json<Value>> {
    let mut views = Vec::new();
    for room in federation.rooms().published().await? {
        if let Some(view) = federation.rooms().view(&room).await?
            && wanted.fits(&view)
        {
            views.push(view);
        }
    }
    views.sort_by_key(|view| std::cmp::Reverse(view.counts().joined));
    let total = views.len();
    let end = wanted.since.saturating_add(wanted.limit).min(total);
    let chunk: Vec<Value> = views
        .iter()
        .skip(wanted.since)
        .take(wanted.limit)
        .map(|view| entry(view).into())
        .collect();
    let mut answer = object([
        ("chunk", chunk.into()),
        ("total_room_count_estimate", (total as i64).into()),
    ]);
    if end < total {
        answer.insert("next_batch", end.to_string().into());
    }
    if wanted.since > 0 {
        let previous = wanted.since.saturating_sub(wanted.limit);
        answer.insert("prev_batch", previous.to_string().into());
    }
    Ok(Json(answer.into()))
}

fn entry(view: &RoomView) -> Object {
    let mut entry = object([
        ("room_id", view.room_id().as_str().into()),
        ("num_joined_members", (view.joined().len() as i64).into()),
        (
            "world_readable",
            (view.history_visibility() == "world_readable").into(),
        ),
        ("guest_can_join", (view.guest_access() == "can_join").into()),
        ("join_rule", view.join_rule().into()),
    ]);
    let mut set = |key: &str, value: Option<String>| {
        entry.extend(value.map(|value| (key.to_owned(), value.into())));
    };
    set("name", view.name());
    set("topic", view.topic());
    set("canonical_alias", view.canonical_alias());
    set("avatar_url", view.avatar());
    set("room_type", view.room_type());
    entry
}
