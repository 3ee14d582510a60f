//! `GET /_matrix/client/v3/rooms/{roomId}/messages`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages>.

use axum::{Json, extract::State};
use gantry_homeserver::MessagesQuery;
use gantry_model::id::OwnedRoomId;
use serde::{Deserialize, Serialize};

use super::paging::{Dir, parse_filter, parse_token};
use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::Result,
    extract::{PathArgs, QueryArgs},
};

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    from: Option<String>,
    to: Option<String>,
    dir: Dir,
    #[serde(default = "default_limit")]
    limit: usize,
    filter: Option<String>,
}

fn default_limit() -> usize {
    10
}

/// A page of the timeline.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    chunk: Vec<ClientEvent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    state: Vec<ClientEvent>,
}

/// A page of the events of a room.
pub(crate) async fn get_room_events(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    let query = MessagesQuery {
        from: parse_token(query.from.as_deref())?,
        to: parse_token(query.to.as_deref())?,
        direction: query.dir.into(),
        limit: query.limit,
        filter: parse_filter(query.filter.as_deref())?,
    };
    let reading = &state.homeserver().reading;
    let page = reading.messages(&session, &room, query).await?;
    let known = reading.aggregations(&session, &room, &page.chunk).await?;
    let viewer = Viewer::new(&session, state.now_ms());
    Ok(Json(Response {
        start: page.start.to_string(),
        end: page.end.map(|end| end.to_string()),
        chunk: viewer.all_bundled(&page.chunk, &known),
        state: viewer.states(&page.state),
    }))
}
