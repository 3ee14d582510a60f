//! `GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#event-context>.

use axum::{Json, extract::State};
use gantry_model::id::{OwnedEventId, OwnedRoomId};
use serde::{Deserialize, Serialize};

use super::paging::parse_filter;
use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::{PathArgs, QueryArgs},
};

/// How much of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default = "default_limit")]
    limit: usize,
    filter: Option<String>,
}

fn default_limit() -> usize {
    10
}

/// An event and what stands around it.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    start: String,
    end: String,
    event: ClientEvent,
    events_before: Vec<ClientEvent>,
    events_after: Vec<ClientEvent>,
    state: Vec<ClientEvent>,
}

/// What stands around an event.
pub(crate) async fn get_event_context(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, OwnedEventId)>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let filter = parse_filter(query.filter.as_deref())?;
    let reading = &state.homeserver().reading;
    let context = reading
        .context(&session, &room, &event, query.limit, &filter)
        .await?;
    let all: Vec<_> = context
        .events_before
        .iter()
        .chain([&context.event])
        .chain(&context.events_after)
        .cloned()
        .collect();
    let known = reading.aggregations(&session, &room, &all).await?;
    let viewer = Viewer::new(&session, state.now_ms());
    Ok(Json(Response {
        start: context.start.to_string(),
        end: context.end.to_string(),
        event: viewer.bundled(&context.event, &known),
        events_before: viewer.all_bundled(&context.events_before, &known),
        events_after: viewer.all_bundled(&context.events_after, &known),
        state: viewer.states(&context.state),
    }))
}
