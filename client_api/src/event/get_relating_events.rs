//! `GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}`, also with a relation and an event
//! type in the path:
//! <https://spec.matrix.org/v1.19/client-server-api/#relationships-api>.

use axum::{Json, extract::State};
use gantry_homeserver::RelationsQuery;
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::paging::{Dir, parse_token};
use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::{PathArgs, QueryArgs},
};

/// Relations to which event, and of which kind.
#[derive(Debug, Deserialize)]
pub(crate) struct RelationsPath {
    room_id: OwnedRoomId,
    event_id: OwnedEventId,
    rel_type: Option<String>,
    event_type: Option<String>,
}

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    from: Option<String>,
    to: Option<String>,
    #[serde(default)]
    dir: Dir,
    #[serde(default = "default_limit")]
    limit: usize,
    #[serde(default)]
    recurse: bool,
}

fn default_limit() -> usize {
    50
}

/// A page of relations.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    chunk: Vec<ClientEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recursion_depth: Option<u64>,
}

/// A page of the events that relate to an event.
pub(crate) async fn get_relating_events(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(path): PathArgs<RelationsPath>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let RelationsPath {
        room_id,
        event_id,
        rel_type,
        event_type,
    } = path;
    let query = RelationsQuery {
        rel_type,
        event_type,
        from: parse_token(query.from.as_deref())?,
        to: parse_token(query.to.as_deref())?,
        limit: query.limit,
        direction: query.dir.into(),
        recurse: query.recurse,
    };
    let reading = &state.homeserver().reading;
    let page = reading
        .relations(&session, &room_id, &event_id, query)
        .await?;
    let known = reading
        .aggregations(&session, &room_id, &page.chunk)
        .await?;
    Ok(Json(Response {
        chunk: Viewer::new(&session, state.now_ms()).all_bundled(&page.chunk, &known),
        recursion_depth: page.recursion_depth,
        next_batch: page.next_batch,
        prev_batch: page.prev_batch,
    }))
}
