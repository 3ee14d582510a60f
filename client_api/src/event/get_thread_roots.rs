//! `GET /_matrix/client/v1/rooms/{roomId}/threads`:
//! <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads>.

use axum::{Json, extract::State};
use gantry_homeserver::ThreadsQuery;
use gantry_model::id::OwnedRoomId;
use serde::{Deserialize, Serialize};

use super::paging::parse_token;
use crate::{
    ClientApiState,
    auth::Session,
    client_event::{ClientEvent, Viewer},
    error::{Error, Result},
    extract::{PathArgs, QueryArgs},
};

/// Which page.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    include: Include,
    limit: Option<usize>,
    from: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Include {
    #[default]
    All,
    Participated,
}

/// A page of threads.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    chunk: Vec<ClientEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
}

/// A page of the threads of a room, by their roots.
pub(crate) async fn get_thread_roots(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(room): PathArgs<OwnedRoomId>,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Response>> {
    if query.limit == Some(0) {
        return Err(Error::invalid("limit must be greater than zero"));
    }
    let query = ThreadsQuery {
        participated: query.include == Include::Participated,
        limit: query.limit,
        from: parse_token(query.from.as_deref())?,
    };
    let reading = &state.homeserver().reading;
    let page = reading.threads(&session, &room, query).await?;
    let viewer = Viewer::new(&session, state.now_ms());
    Ok(Json(Response {
        chunk: viewer.all_bundled(&page.roots, &page.aggregations),
        next_batch: page.next_batch,
    }))
}
